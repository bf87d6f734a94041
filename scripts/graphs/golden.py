"""Greedy answers of the small models, each token from a fresh prefill of everything before it: python golden.py FOLDER

Nothing is cached between tokens, so this is what any runtime has to give, across the switch of the rope factors too. Writes
FOLDER/golden.json. Prompts whose answer has a near tie between two tokens are passed over: it could go either way elsewhere.
"""
import json
import os
import sys

import numpy as np
import onnxruntime as ort

from small import SHAPE

# A prompt is (seed, length); see prompt_ids. Lengths on both sides of 4096, and far beyond it.
SHORT = [(1, 1, 24), (2, 20, 24), (3, 300, 24)]
CASES = {
    'cpu': SHORT + [(length, length, 12) for length in range(4090, 4101)] + [(4, 20000, 8)],
    'gpu': SHORT + [(length, length, 12) for length in (4090, 4095, 4096, 4097, 4100)],
    'transformers-f16': SHORT + [(4093, 4093, 12)],
}
FILES = {'cpu': ('phi-3.5-v-instruct-embedding.onnx', 'phi-3.5-v-instruct-text.onnx'),
         'gpu': ('phi-3.5-v-instruct-embedding.onnx', 'phi-3.5-v-instruct-text.onnx'),
         'transformers-f16': ('onnx/prepare_inputs_embeds_q4f16.onnx', 'onnx/model_q4f16.onnx')}
LEAST_MARGIN = {np.float32: 1e-3, np.float16: 6e-3}  # well above what another order of summation changes


def prompt_ids(seed, length):
    """Pseudo-random ordinary tokens after BOS; simple enough to be written again in another language."""
    ids, state = [1], seed
    while len(ids) < length:
        state = (state * 1664525 + 1013904223) % 2 ** 32
        ids.append(3 + (state >> 16) % 880)
    return ids


class Fresh:
    def __init__(self, folder, embedding, text):
        def load(name):
            return ort.InferenceSession(os.path.join(folder, name), providers=['CPUExecutionProvider'])

        self.embedding, self.text = load(embedding), load(text)
        inputs = {node.name: node for node in self.text.get_inputs()}
        self.kind = np.float16 if 'float16' in inputs['past_key_values.0.key'].type else np.float32
        empty = np.zeros((1, SHAPE.heads, 0, SHAPE.head_size), self.kind)
        self.past = {name: empty for name in inputs if name.startswith('past_key_values')}
        self.positions = 'position_ids' in inputs

    def logits(self, ids):
        row = np.array([ids], np.int64)
        feeds = {'input_ids': row, 'image_features': np.zeros((0, SHAPE.hidden), self.kind)}
        feeds = {'inputs_embeds': self.embedding.run(None, feeds)[0], 'attention_mask': np.ones_like(row), **self.past}
        if self.positions:
            feeds['position_ids'] = np.arange(len(ids))[None]
        return self.text.run(['logits'], feeds)[0][0, -1].astype(np.float32)


def greedy(model, ids, count):
    ids, tokens, margin = list(ids), [], np.inf
    for _ in range(count):
        logits = model.logits(ids)
        second, first = np.argsort(logits)[-2:]
        margin = min(margin, logits[first] - logits[second])
        ids.append(int(first))
        tokens.append(int(first))
    return tokens, float(margin)


def main(folder):
    golden = {}
    for name, cases in CASES.items():
        model = Fresh(os.path.join(folder, name), *FILES[name])
        golden[name] = []
        for seed, length, count in cases:
            while True:
                tokens, margin = greedy(model, prompt_ids(seed, length), count)
                print(f'{name:18s} {length:6d} tokens, least margin {margin:.5f}: {tokens}', flush=True)
                if margin > LEAST_MARGIN[model.kind]:
                    break
                seed += 10000  # too near a tie: another prompt
            golden[name].append({'seed': seed, 'length': length, 'tokens': tokens})
    lines = [f'  {json.dumps(name)}: [\n' + ',\n'.join('    ' + json.dumps(case) for case in cases) + '\n  ]'
             for name, cases in golden.items()]
    with open(os.path.join(folder, 'golden.json'), 'w', encoding='utf-8', newline='\n') as file:
        file.write('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    main(sys.argv[1])
