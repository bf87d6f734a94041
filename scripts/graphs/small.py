"""Writes the small model folders of the tests: python small.py OUT

Random weights from a fixed seed, so the same versions of numpy and onnx write the same bytes. Nothing sensible is said by
these models; they say it in every layout and type that the runtime has to read.
"""
import json
import os
import sys

import numpy as np

from image import PATCH, write_embedding, write_vision
from onnx_graph import FLOAT, HALF
from text import Rope, Shape, write_text

SEED = 20
SHAPE = Shape(hidden=32, layers=2, heads=2, head_size=16, mlp=64, vocabulary=928, context=32768)
HALF_HEAD = SHAPE.head_size // 2
# Far apart, so that a wrong choice between them changes the tokens.
SHORT_FACTOR, LONG_FACTOR = np.linspace(1, 1.5, HALF_HEAD), np.geomspace(1.2, 24, HALF_HEAD)
STOPS = (2, 894, 895, 901)  # of the tiny model's tokenizer; without a chance, so that answers run to their length


class Dense:
    """Weights of plain matrix products, a matrix drawn when it is first asked for, so that every folder has the same."""

    # Attention has to look at few of thousands of tokens, and to matter beside the token itself: then the next token
    # depends on all of the context. Plain random weights look at everything alike, and say the same few tokens for ever.
    GAIN = {'q_proj': 2.2, 'k_proj': 2.2, 'v_proj': 1.0, 'o_proj': 2.0, 'gate_proj': 1.0, 'up_proj': 1.0, 'down_proj': 2.0,
            'lm_head': 1.0}

    def __init__(self, seed):
        self.seed, self.drawn = seed, {}

    def draw(self, name, *shape, gain=1.0):
        if name not in self.drawn:
            rng = np.random.default_rng([self.seed, *name.encode()])
            self.drawn[name] = (rng.standard_normal(shape) * gain).astype(np.float16)
        return self.drawn[name]

    def matrix(self, name, k, n):
        part = name.rsplit('.', 1)[-1]
        if part == 'qkv_proj':
            parts = (self.matrix(name.replace('qkv_proj', f'{letter}_proj'), k, n // 3) for letter in 'qkv')
            return np.concatenate(list(parts), axis=1)
        drawn = self.draw(name, k, n, gain=self.GAIN[part] / k ** .5)
        if part == 'lm_head':
            drawn = drawn.copy()
            drawn[:, STOPS] = 0
        return drawn

    def matmul(self, g, x, name, k, n):
        return g.node('MatMul', x, g.weight(self.matrix(name, k, n), name))

    def norm(self, g, name, size):
        return g.weight(1 + self.draw(name, size, gain=.1).astype(np.float32), name)


def write_graphs(paths, style, kind, data_name=None):
    """The three graphs under the given paths (vision, embedding, text)."""
    weights = Dense(SEED)
    write_vision(paths['vision'], weights.draw('projection', PATCH, SHAPE.hidden, gain=1.0),
                 weights.draw('tile_end', PATCH), weights.draw('image_end', PATCH), kind=kind)
    write_embedding(paths['embedding'], weights.draw('embed_tokens', SHAPE.vocabulary, SHAPE.hidden), kind=kind)
    write_text(paths['text'], SHAPE, Rope(style, SHORT_FACTOR, LONG_FACTOR, stored=False), weights, kind=kind,
               data_name=data_name)


def genai_config(shape, names):
    """Microsoft's layout: everything that the runtime and onnxruntime-genai read."""
    def part(inputs, output):
        return {'inputs': {name: name for name in inputs}, 'outputs': {output: output}}

    decoder = {
        'session_options': {'log_id': 'onnxruntime-genai', 'provider_options': []}, 'filename': names['text'],
        'head_size': shape.head_size, 'hidden_size': shape.hidden,
        'inputs': {'inputs_embeds': 'inputs_embeds', 'attention_mask': 'attention_mask',
                   'past_key_names': 'past_key_values.%d.key', 'past_value_names': 'past_key_values.%d.value'},
        'outputs': {'logits': 'logits', 'present_key_names': 'present.%d.key', 'present_value_names': 'present.%d.value'},
        'num_attention_heads': shape.heads, 'num_hidden_layers': shape.layers, 'num_key_value_heads': shape.heads,
    }
    return {
        'model': {
            'bos_token_id': 1, 'context_length': shape.context, 'decoder': decoder,
            'embedding': {'filename': names['embedding'], **part(['input_ids', 'image_features'], 'inputs_embeds')},
            'vision': {'filename': names['vision'], **part(['pixel_values', 'image_sizes'], 'image_features')},
            'eos_token_id': 901, 'pad_token_id': 894, 'type': 'phi3v', 'vocab_size': shape.vocabulary,
        },
        'search': {'do_sample': False, 'early_stopping': True, 'max_length': shape.context, 'min_length': 0, 'num_beams': 1,
                   'num_return_sequences': 1, 'past_present_share_buffer': True, 'repetition_penalty': 1.0,
                   'temperature': 1.0, 'top_k': 1, 'top_p': 1.0},
    }


def write_microsoft(folder, style, kind):
    names = {part: f'phi-3.5-v-instruct-{part}.onnx' for part in ('vision', 'embedding', 'text')}
    write_graphs({part: os.path.join(folder, name) for part, name in names.items()}, style, kind)
    write_json(folder, 'genai_config.json', genai_config(SHAPE, names))


def write_transformers(folder, suffix, style, kind, external=False):
    """Transformers.js' layout; the graphs' inputs and outputs are called as in Microsoft's."""
    names = {'vision': 'vision_encoder', 'embedding': 'prepare_inputs_embeds', 'text': 'model'}
    paths = {part: os.path.join(folder, 'onnx', name + suffix + '.onnx') for part, name in names.items()}
    write_graphs(paths, style, kind, f'model{suffix}.onnx_data' if external else None)
    write_json(folder, 'config.json', {
        'architectures': ['Phi3VForCausalLM'], 'model_type': 'phi3_v', 'vocab_size': SHAPE.vocabulary,
        'hidden_size': SHAPE.hidden, 'intermediate_size': SHAPE.mlp, 'num_hidden_layers': SHAPE.layers,
        'num_attention_heads': SHAPE.heads, 'num_key_value_heads': SHAPE.heads, 'hidden_act': 'silu',
        'rms_norm_eps': 1e-5, 'rope_theta': 10000.0, 'max_position_embeddings': SHAPE.context,
        'original_max_position_embeddings': 4096,
        'rope_scaling': {'type': 'su', 'short_factor': SHORT_FACTOR.tolist(), 'long_factor': LONG_FACTOR.tolist()},
        'bos_token_id': 1, 'eos_token_id': 2, 'pad_token_id': 894, 'tie_word_embeddings': False,
        'img_processor': {'image_dim_out': PATCH, 'model_name': 'none', 'name': 'clip_vision_model', 'num_img_tokens': 144},
        'transformers.js_config': {'use_external_data_format': {f'model{suffix}.onnx': 1} if external else {}},
    })
    write_json(folder, 'generation_config.json', {'bos_token_id': 1, 'eos_token_id': [901, 894, 895], 'pad_token_id': 894})
    write_json(folder, 'preprocessor_config.json', {
        'image_processor_type': 'Phi3VImageProcessor', 'processor_class': 'Phi3VProcessor', 'num_crops': 4,
        'num_img_tokens': 144, 'do_convert_rgb': True, 'image_mean': [0.48145466, 0.4578275, 0.40821073],
        'image_std': [0.26862954, 0.26130258, 0.27577711]})


def write_json(folder, name, content):
    with open(os.path.join(folder, name), 'w', encoding='utf-8', newline='\n') as file:
        json.dump(content, file, indent=2)
        file.write('\n')


def main(out):
    write_microsoft(os.path.join(out, 'cpu'), 'if', FLOAT)
    write_microsoft(os.path.join(out, 'gpu'), 'offset', HALF)
    write_transformers(os.path.join(out, 'transformers'), '', 'if', FLOAT)
    write_transformers(os.path.join(out, 'transformers-f16'), '_q4f16', 'if', HALF, external=True)


if __name__ == '__main__':
    main(sys.argv[1])
