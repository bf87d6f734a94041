"""Greedy answers of onnxruntime-genai to token ids and pixel values that someone else has prepared.

  python genai.py MODEL_FOLDER REQUEST.json

REQUEST.json: {"max_new": n, "prompts": [{"ids": [...], "images": [{"pixel_values": FILE, "crops": n, "size": [h, w], "tokens": n}]}]}
where ids below zero are image slots and FILE holds little-endian float32 [crops, 3, 336, 336]. Prints {"versions": …,
"answers": [[ids…], …]}. Prompt, picture and decode loop all go through genai's Generator; only its tokenizer and its image
processor are passed by: the one drops BOS, the other always makes 17 tiles.
"""
import json
import sys

import numpy as np
import onnxruntime as ort
import onnxruntime_genai as og


def named_tensors(prompt):
    images, tensors = prompt['images'], og.NamedTensors()
    tensors['input_ids'] = np.array([prompt['ids']], np.int32)
    tensors['num_image_tokens'] = np.array([image['tokens'] for image in images] or [0], np.int64)
    if images:
        pixels = [np.fromfile(image['pixel_values'], '<f4').reshape(image['crops'], 3, 336, 336) for image in images]
        tensors['pixel_values'] = np.stack(pixels)
        tensors['image_sizes'] = np.array([image['size'] for image in images], np.int64)
    return tensors


def answer(model, prompt, max_new):
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(do_sample=False, max_length=len(prompt['ids']) + max_new)
    generator = og.Generator(model, parameters)
    generator.set_inputs(named_tensors(prompt))
    tokens = []
    while not generator.is_done() and len(tokens) < max_new:
        generator.generate_next_token()
        tokens.append(int(generator.get_next_tokens()[0]))
    return tokens


def main(folder, request):
    with open(request, encoding='utf-8') as file:
        request = json.load(file)
    model = og.Model(folder)
    answers = [answer(model, prompt, request['max_new']) for prompt in request['prompts']]
    print(json.dumps({'versions': {'onnxruntime-genai': og.__version__, 'onnxruntime': ort.__version__}, 'answers': answers}))


if __name__ == '__main__':
    main(*sys.argv[1:])
