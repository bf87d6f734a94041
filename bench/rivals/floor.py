"""The floor: ONNX Runtime's C++ core with everything preallocated. Prints one line of JSON.

  python floor.py FOLDER [--prompt 3000] [--steps 32] [--threads 2]
"""
import argparse
import json
import statistics
import time

import onnxruntime as ort

from decoder import Decoder
from prompt import prompt_ids

CHUNKS = (256, 512, 1024)


def prefill(decoder, ids, chunk):
    begun = time.perf_counter()
    for start in range(0, len(ids), chunk):
        decoder.run(ids[start:start + chunk], start)
    return time.perf_counter() - begun


def measure(folder, prompt, steps, threads, spinning, chunks):
    decoder = Decoder(folder, prompt + steps, threads, spinning)
    ids = prompt_ids(prompt)
    decoder.run(ids[:16], 0)  # not counted: the first call also allocates
    result = {f'prefill_chunks_of_{chunk}_s': round(prefill(decoder, ids, chunk), 3) for chunk in chunks}
    result['prefill_s'] = round(prefill(decoder, ids, prompt), 3)
    times, tokens = [], []
    for step in range(steps):
        token = decoder.likeliest()
        tokens.append(token)
        begun = time.perf_counter()
        decoder.run([token], prompt + step)
        times.append((time.perf_counter() - begun) * 1000)
    return {**result, 'step_ms': round(statistics.median(times), 2), 'step_ms_least': round(min(times), 2),
            'tokens': tokens}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('folder')
    parser.add_argument('--prompt', type=int, default=3000)
    parser.add_argument('--steps', type=int, default=32)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--chunks', action='store_true', help='also time the prefill in chunks')
    options = parser.parse_args()
    runs = {name: measure(options.folder, options.prompt, options.steps, options.threads, spinning,
                          CHUNKS if options.chunks else ())
            for name, spinning in (('spinning', True), ('not_spinning', False))}
    print(json.dumps({'rival': 'onnxruntime, I/O binding', 'versions': {'onnxruntime': ort.__version__},
                      'prompt_tokens': options.prompt, 'steps': options.steps, 'threads': options.threads, **runs}))


if __name__ == '__main__':
    main()
