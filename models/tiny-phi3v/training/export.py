"""Exports a checkpoint to the folder layout of Phi-3.5-vision for ONNX Runtime.

  python export.py CHECKPOINT OUT

Writes three graphs (vision, embedding, text), the tokenizer files, genai_config.json, processor_config.json and
frameloom.json. The text graph comes from the model builder of onnxruntime-genai (GroupQueryAttention, longrope as an
`If` on the total length) with 8-bit matrices; the other two are built here with 16-bit weights.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from model import (CONTEXT, DECODER, LONG_FACTOR, MERGED, ORIGINAL_CONTEXT, SHORT_FACTOR, VISION, Decoder, Projector,
                   VisionEncoder)
from tokenizer import BOS, DEFAULT_FOLDER, FILES, TextCodec

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {part: f'phi-3.5-v-instruct-{part}.onnx' for part in ('vision', 'embedding', 'text')}
LARGE = 256  # numbers; smaller tensors stay in 32 bit


# ------------------------------------------------------------------------------------------------ graph writing
class Graph:
    """Collects nodes and initializers of an ONNX graph."""

    def __init__(self, prefix=''):
        self.nodes, self.initializers, self.prefix, self._count = [], [], prefix, 0

    def constant(self, value, name=None):
        """Adds an initializer and returns its name; large float ones are stored as 16 bit and cast when loaded."""
        value = np.asarray(value)
        name = name or f'{self.prefix}const_{len(self.initializers)}'
        if value.dtype == np.float32 and value.size >= LARGE:
            self.initializers.append(numpy_helper.from_array(value.astype(np.float16), name + '_f16'))
            self.nodes.append(helper.make_node('Cast', [name + '_f16'], [name], to=TensorProto.FLOAT))
        else:
            self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, parameter, name, transpose=False, shape=None):
        value = parameter.detach().float().numpy()
        value = value.reshape(shape) if shape else value
        return self.constant(np.ascontiguousarray(value.T) if transpose else value, name)

    def node(self, op, *inputs, out=None, **attributes):
        self._count += 1
        out = out or f'{self.prefix}{op}_{self._count}'
        self.nodes.append(helper.make_node(op, list(inputs), [out], name=f'{self.prefix}{op}_{self._count}', **attributes))
        return out

    def linear(self, x, layer, name):
        product = self.node('MatMul', x, self.weight(layer.weight, name + '.weight', transpose=True))
        return self.node('Add', product, self.weight(layer.bias, name + '.bias'))

    def layer_norm(self, x, layer, name):
        return self.node('LayerNormalization', x, self.weight(layer.weight, name + '.weight'),
                         self.weight(layer.bias, name + '.bias'), axis=-1, epsilon=1e-5)

    def save(self, name, inputs, outputs, path):
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8,
                                  producer_name='tiny-phi3v')
        onnx.checker.check_model(model)
        onnx.save(model, path)


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


# ------------------------------------------------------------------------------------------------ the three graphs
def export_vision(encoder, projector, path):
    """pixel_values [n, tiles + 1, 3, 336, 336], image_sizes [n, 2] (height, width) -> image_features [tokens, hidden]"""
    dim, heads = VISION['dim'], VISION['heads']
    g = Graph()
    zero, one, two = g.ints(0), g.ints(1), g.ints(2)
    x = g.node('Reshape', 'pixel_values', g.ints(-1, 3, 24, 14, 24, 14))
    x = g.node('Transpose', x, perm=[0, 2, 4, 1, 3, 5])
    x = g.node('Reshape', x, g.ints(-1, 576, 588))
    x = g.node('MatMul', x, g.weight(encoder.patch_embedding.weight, 'patch_embedding.weight', True, (dim, 588)))
    batch = g.node('Slice', g.node('Shape', x), zero, one)
    class_row = g.node('Expand', g.weight(encoder.class_embedding, 'class_embedding', shape=(1, 1, dim)),
                       g.node('Concat', batch, g.ints(1, dim), axis=0))
    x = g.node('Concat', class_row, x, axis=1)
    x = g.node('Add', x, g.weight(encoder.position_embedding, 'position_embedding'))
    x = g.layer_norm(x, encoder.pre_layrnorm, 'pre_layrnorm')
    split, join = g.ints(0, 0, heads, dim // heads), g.ints(0, 0, dim)
    scale, gelu = g.constant(np.float32((dim // heads) ** -.5)), g.constant(np.float32(1.702))
    for i, layer in enumerate(encoder.layers):
        name = f'layers.{i}.'
        y = g.layer_norm(x, layer.layer_norm1, name + 'layer_norm1')
        parts = {}
        for part in ('q_proj', 'k_proj', 'v_proj'):
            split_heads = g.node('Reshape', g.linear(y, getattr(layer, part), name + part), split)
            parts[part] = g.node('Transpose', split_heads, perm=[0, 2, 3, 1] if part == 'k_proj' else [0, 2, 1, 3])
        scores = g.node('MatMul', g.node('Mul', parts['q_proj'], scale), parts['k_proj'])
        attended = g.node('MatMul', g.node('Softmax', scores, axis=-1), parts['v_proj'])
        attended = g.node('Reshape', g.node('Transpose', attended, perm=[0, 2, 1, 3]), join)
        x = g.node('Add', x, g.linear(attended, layer.out_proj, name + 'out_proj'))
        y = g.linear(g.layer_norm(x, layer.layer_norm2, name + 'layer_norm2'), layer.fc1, name + 'fc1')
        y = g.node('Mul', y, g.node('Sigmoid', g.node('Mul', y, gelu)))
        x = g.node('Add', x, g.linear(y, layer.fc2, name + 'fc2'))
    x = g.node('Slice', x, one, g.ints(577), one)  # without the class row
    x = g.node('Reshape', x, g.ints(-1, 12, 2, 12, 2, dim))
    x = g.node('Transpose', x, perm=[0, 1, 3, 2, 4, 5])
    shape = g.node('Shape', 'pixel_values')
    g.node('Reshape', x, g.node('Concat', g.node('Slice', shape, zero, two), g.ints(12, 12, MERGED), axis=0),
           out='merged')
    g.weight(projector.sub_GN, 'sub_GN', shape=(1, 1, MERGED))
    g.weight(projector.glb_GN, 'glb_GN', shape=(1, MERGED))
    g.node('Div', 'image_sizes', g.ints(336), out='grid')
    count = g.node('Squeeze', g.node('Slice', shape, zero, one), zero)
    rows = g.node('Loop', count, g.constant(np.array(True)), g.constant(np.zeros((0, MERGED), np.float32)),
                  body=_rows_of_one_image())
    y = g.linear(g.node('Reshape', rows, g.ints(-1, MERGED)), projector.img_projection[0], 'img_projection.0')
    erf = g.node('Erf', g.node('Div', y, g.constant(np.float32(2 ** .5))))
    y = g.node('Mul', g.node('Mul', y, g.constant(np.float32(.5))), g.node('Add', erf, g.constant(np.float32(1))))
    y = g.linear(y, projector.img_projection[2], 'img_projection.2')
    g.node('Identity', y, out='image_features')
    g.save('vision', [value('pixel_values', TensorProto.FLOAT, ['num_images', 'max_num_crops', 3, 'height', 'width']),
                      value('image_sizes', TensorProto.INT64, ['num_images', 2])],
           [value('image_features', TensorProto.FLOAT, ['num_image_tokens', DECODER['hidden']])], path)


def _rows_of_one_image():
    """Loop body: merged patches of one image -> rows with separators, tiles first, then the global view."""
    b = Graph('image_')
    zero, one, twelve, width = b.ints(0), b.ints(1), b.ints(12), b.ints(MERGED)
    view, flat = b.ints(12, 12, MERGED), b.ints(-1, MERGED)
    b.node('Identity', 'cond_in', out='cond_out')
    views = b.node('Gather', 'merged', 'iteration', axis=0)
    size = b.node('Gather', 'grid', 'iteration', axis=0)
    rows, columns = b.node('Slice', size, zero, one), b.node('Slice', size, one, b.ints(2))
    last = b.node('Add', b.node('Mul', rows, columns), one)

    def with_ends(block, height):
        ends = b.node('Expand', 'sub_GN', b.node('Concat', height, one, width, axis=0))
        return b.node('Reshape', b.node('Concat', block, ends, axis=1), flat)

    whole = b.node('Reshape', b.node('Slice', views, zero, one), view)
    grid = b.node('Reshape', b.node('Slice', views, one, last), b.node('Concat', rows, columns, view, axis=0))
    grid = b.node('Transpose', grid, perm=[0, 2, 1, 3, 4])
    high, wide = b.node('Mul', rows, twelve), b.node('Mul', columns, twelve)
    grid = b.node('Reshape', grid, b.node('Concat', high, wide, width, axis=0))
    b.node('Concat', 'rows_in', with_ends(grid, high), 'glb_GN', with_ends(whole, twelve), axis=0, out='rows_out')
    return helper.make_graph(
        b.nodes, 'rows_of_one_image',
        [value('iteration', TensorProto.INT64, []), value('cond_in', TensorProto.BOOL, []),
         value('rows_in', TensorProto.FLOAT, None)],
        [value('cond_out', TensorProto.BOOL, []), value('rows_out', TensorProto.FLOAT, None)], b.initializers)


def export_embedding(decoder, path):
    """input_ids [1, T] (negative = image position), image_features [tokens, hidden] -> inputs_embeds [1, T, hidden]"""
    hidden = DECODER['hidden']
    g = Graph()
    zero = g.constant(np.int64(0))
    table = g.weight(decoder.model.embed_tokens.weight, 'embed_tokens.weight')
    embedded = g.node('Gather', table, g.node('Max', 'input_ids', zero))
    places = g.node('Transpose', g.node('NonZero', g.node('Less', 'input_ids', zero)), perm=[1, 0])
    count = g.node('Slice', g.node('Shape', places), g.ints(0), g.ints(1))
    rows = g.node('Slice', 'image_features', g.ints(0), count)
    g.node('ScatterND', embedded, places, rows, out='inputs_embeds')
    shape = ['batch_size', 'sequence_length']
    g.save('embedding', [value('input_ids', TensorProto.INT64, shape),
                         value('image_features', TensorProto.FLOAT, ['num_image_tokens', hidden])],
           [value('inputs_embeds', TensorProto.FLOAT, shape + [hidden])], path)


def export_text(decoder, codec, path):
    """inputs_embeds, attention_mask, past key/values -> logits, present key/values; by the genai model builder"""
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
    config = {
        'architectures': ['Phi3ForCausalLM'], 'model_type': 'phi3', 'vocab_size': codec.size,
        'hidden_size': DECODER['hidden'], 'intermediate_size': DECODER['mlp'],
        'num_hidden_layers': DECODER['layers'], 'num_attention_heads': DECODER['heads'],
        'num_key_value_heads': DECODER['heads'], 'hidden_act': 'silu', 'max_position_embeddings': CONTEXT,
        'original_max_position_embeddings': ORIGINAL_CONTEXT, 'rope_theta': DECODER['theta'],
        'rms_norm_eps': DECODER['eps'],
        'rope_scaling': {'type': 'longrope', 'rope_type': 'longrope', 'short_factor': SHORT_FACTOR,
                         'long_factor': LONG_FACTOR},
        'bos_token_id': BOS, 'eos_token_id': codec.end, 'pad_token_id': codec.pad, 'tie_word_embeddings': False,
        'sliding_window': None, 'attention_bias': False, 'torch_dtype': 'float32', 'use_cache': True,
    }
    with tempfile.TemporaryDirectory() as folder:
        source, built = os.path.join(folder, 'hf'), os.path.join(folder, 'onnx')
        os.makedirs(source)
        state = {k: v.float().contiguous() for k, v in decoder.state_dict().items()}
        save_file(state, os.path.join(source, 'model.safetensors'), metadata={'format': 'pt'})
        with open(os.path.join(source, 'config.json'), 'w') as file:
            json.dump(config, file)
        for name in FILES:
            shutil.copy(os.path.join(codec.folder, name), source)
        subprocess.run([sys.executable, '-m', 'onnxruntime_genai.models.builder', '-i', source, '-o', built, '-p', 'fp32',
                        '-e', 'cpu', '-c', os.path.join(folder, 'cache'), '--extra_options', 'exclude_embeds=true', 'hf_token=false'],
                       check=True, stdout=subprocess.DEVNULL)
        model = onnx.load(os.path.join(built, 'model.onnx'))
    bits = DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=False, accuracy_level=4, bits=8)
    quantizer = MatMulNBitsQuantizer(model, bits=8, block_size=32, is_symmetric=False, accuracy_level=4, algo_config=bits)
    quantizer.process()
    model = quantizer.model.model
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and int(np.prod(tensor.dims)) >= LARGE:
            name, small = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(small, name + '_f16'))
            casts.append(helper.make_node('Cast', [name + '_f16'], [name], name='cast_' + name, to=TensorProto.FLOAT))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


# ------------------------------------------------------------------------------------------------ configs
def genai_config(codec):
    return {
        'model': {
            'bos_token_id': BOS, 'context_length': CONTEXT,
            'decoder': {
                'session_options': {'log_id': 'onnxruntime-genai', 'provider_options': []},
                'filename': NAMES['text'], 'head_size': DECODER['head_dim'], 'hidden_size': DECODER['hidden'],
                'inputs': {'inputs_embeds': 'inputs_embeds', 'attention_mask': 'attention_mask',
                           'past_key_names': 'past_key_values.%d.key', 'past_value_names': 'past_key_values.%d.value'},
                'outputs': {'logits': 'logits', 'present_key_names': 'present.%d.key',
                            'present_value_names': 'present.%d.value'},
                'num_attention_heads': DECODER['heads'], 'num_hidden_layers': DECODER['layers'],
                'num_key_value_heads': DECODER['heads'],
            },
            'embedding': {'filename': NAMES['embedding'],
                          'inputs': {'input_ids': 'input_ids', 'image_features': 'image_features'},
                          'outputs': {'inputs_embeds': 'inputs_embeds'}},
            'vision': {'filename': NAMES['vision'],
                       'inputs': {'pixel_values': 'pixel_values', 'image_sizes': 'image_sizes'},
                       'outputs': {'image_features': 'image_features'}},
            'eos_token_id': [codec.end, codec.pad], 'pad_token_id': codec.pad, 'type': 'phi3v', 'vocab_size': codec.size,
        },
        'search': {'diversity_penalty': 0.0, 'do_sample': False, 'early_stopping': True, 'length_penalty': 1.0,
                   'max_length': CONTEXT, 'min_length': 0, 'no_repeat_ngram_size': 0, 'num_beams': 1,
                   'num_return_sequences': 1, 'past_present_share_buffer': True, 'repetition_penalty': 1.0,
                   'temperature': 1.0, 'top_k': 1, 'top_p': 1.0},
    }


def processor_config(num_crops):
    def operation(name, kind, attributes=None):
        body = {'name': name, 'domain': 'com.microsoft.extensions', 'type': kind}
        return {'operation': {**body, 'attrs': attributes} if attributes else body}

    return {'processor': {'name': 'image_processing', 'transforms': [
        operation('decode_image', 'DecodeImage', {'color_space': 'BGR'}),
        operation('convert_to_rgb', 'ConvertRGB'),
        operation('phi3_image_transform', 'Phi3ImageTransform', {'num_crops': num_crops, 'num_img_tokens': 144})]}}


def revision(folder):
    """First 16 hex digits of a SHA-256 over the SHA-256 sums of the graphs and the tokenizer."""
    total = hashlib.sha256()
    for name in sorted([*NAMES.values(), 'tokenizer.json']):
        with open(os.path.join(folder, name), 'rb') as file:
            total.update(hashlib.sha256(file.read()).hexdigest().encode())
    return total.hexdigest()[:16]


def _write_json(folder, name, content):
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=2)
        file.write('\n')


def write_profile(folder):
    """frameloom.json: what the product may ask of the model (scripts' profile.json plus the revision)."""
    with open(os.path.join(HERE, 'profile.json'), encoding='utf-8') as file:
        profile = json.load(file)
    _write_json(folder, 'frameloom.json', {'name': profile.pop('name'), 'revision': revision(folder), **profile})
    return profile


def export(weights, folder, tokenizer_folder=DEFAULT_FOLDER):
    """Writes the whole model folder from the weights of a checkpoint."""
    codec = TextCodec(tokenizer_folder)
    encoder, projector, decoder = VisionEncoder(**VISION), Projector(MERGED, DECODER['hidden']), Decoder(codec.size)
    for name, module in (('vision', encoder), ('projector', projector), ('decoder', decoder)):
        module.load_state_dict(weights[name])
    os.makedirs(folder, exist_ok=True)
    export_vision(encoder, projector, os.path.join(folder, NAMES['vision']))
    export_embedding(decoder, os.path.join(folder, NAMES['embedding']))
    export_text(decoder, codec, os.path.join(folder, NAMES['text']))
    for name in FILES:
        shutil.copyfile(os.path.join(codec.folder, name), os.path.join(folder, name))
    _write_json(folder, 'genai_config.json', genai_config(codec))
    profile = write_profile(folder)
    _write_json(folder, 'processor_config.json', processor_config(profile['detail']['medium']))
    sizes = {name: os.path.getsize(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    for name, size in sizes.items():
        print(f'{size:9d}  {name}')
    count = sum(p.numel() for module in (encoder, projector, decoder) for p in module.parameters())
    print(f'{sum(sizes.values()):9d}  bytes in all, {count} parameters')


if __name__ == '__main__':
    export(torch.load(sys.argv[1], weights_only=True)['weights'], sys.argv[2])
