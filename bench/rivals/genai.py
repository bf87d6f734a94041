"""onnxruntime-genai on the slice: its own prefill and decode loop, with input_ids. Prints one line of JSON.

  python genai.py FOLDER/genai [--prompt 3000] [--steps 32] [--threads 2]
"""
import argparse
import json
import statistics
import time

import numpy as np
import onnxruntime as ort
import onnxruntime_genai as og

from prompt import prompt_ids


def measure(folder, prompt, steps, threads, spinning):
    config = og.Config(folder)
    entries = {'intra_op_num_threads': threads, 'session.intra_op.allow_spinning': '1' if spinning else '0'}
    config.overlay(json.dumps({'model': {'decoder': {'session_options': entries}}}))
    model = og.Model(config)
    parameters = og.GeneratorParams(model)
    # No stop before the length: a random model may say its stop token at any step.
    parameters.set_search_options(do_sample=False, max_length=prompt + steps + 1, min_length=prompt + steps + 1)
    ids = np.array(prompt_ids(prompt), np.int32)
    warm = og.Generator(model, parameters)
    warm.append_tokens(ids[:16])
    del warm
    generator = og.Generator(model, parameters)
    begun = time.perf_counter()
    generator.append_tokens(ids)
    prefill = time.perf_counter() - begun
    generator.generate_next_token()  # picks from the logits of the prefill, runs nothing
    times, tokens = [], [int(generator.get_next_tokens()[0])]
    for _ in range(steps):
        begun = time.perf_counter()
        generator.generate_next_token()
        times.append((time.perf_counter() - begun) * 1000)
        tokens.append(int(generator.get_next_tokens()[0]))
    return {'prefill_s': round(prefill, 3), 'step_ms': round(statistics.median(times), 2),
            'step_ms_least': round(min(times), 2), 'tokens': tokens[:steps]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('--prompt', type=int, default=3000)
    parser.add_argument('--steps', type=int, default=32)
    parser.add_argument('--threads', type=int, default=2)
    options = parser.parse_args()
    runs = {name: measure(options.folder, options.prompt, options.steps, options.threads, spinning)
            for name, spinning in (('spinning', True), ('not_spinning', False))}
    print(json.dumps({'rival': 'onnxruntime-genai', 'versions': {'onnxruntime-genai': og.__version__,
                                                                 'onnxruntime': ort.__version__},
                      'prompt_tokens': options.prompt, 'steps': options.steps, 'threads': options.threads, **runs}))


if __name__ == '__main__':
    main()
