"""Writes a slice of the text graph at full width for measurements: python slice.py OUT [LAYERS]

Random weights in the published form (int4, block 32, accuracy level 4, packed attention, two rope tables as constants):
what a step costs does not depend on what the weights are. OUT gets Microsoft's layout; OUT/genai is the folder of a
decoder with input_ids over the same files of weights, which is what onnxruntime-genai runs without pictures.
"""
import os
import shutil
import sys

import numpy as np
import onnx

from image import PATCH, embed_tokens, embedding_interface, scatter_features, write_vision
from onnx_graph import FLOAT, INT64, MICROSOFT, Graph, value
from small import genai_config, write_json
from text import Rope, Shape, write_text

BLOCK = 32
NAMES = {part: f'phi-3.5-v-instruct-{part}.onnx' for part in ('vision', 'embedding', 'text')}
# Bytes of two nibbles without the lowest step: 1 to 15 are symmetric around the zero point 8. A mean other than zero would
# let one direction win in every layer, and one token at every step.
BALANCED = np.array([(byte & 15 or 8) | (byte >> 4 or 8) << 4 for byte in range(256)], np.uint8)
HALF_HEAD = 48
# The form of the published lists, which start at 1.08 and end at 9 and 64.8.
SHORT_FACTOR, LONG_FACTOR = np.linspace(1.08, 9, HALF_HEAD), np.geomspace(1.08, 64.8, HALF_HEAD)


def full_width(layers):
    return Shape(hidden=3072, layers=layers, heads=32, head_size=96, mlp=8192, vocabulary=32064, context=16384)


class Int4:
    """Weights of MatMulNBits: random nibbles with scales that give products of about the size of what went in."""

    def __init__(self, seed):
        self.seed = seed

    def matmul(self, g, x, name, k, n):
        rng = np.random.default_rng([self.seed, *name.encode()])
        packed = BALANCED[np.frombuffer(rng.bytes(n * k // 2), np.uint8)].reshape(n, k // BLOCK, BLOCK // 2)
        # The steps from -7 to 7 have a standard deviation of 4.2.
        scales = (rng.uniform(.5, 1.5, (n, k // BLOCK)) / (4.2 * k ** .5)).astype(np.float32)
        return g.node('MatMulNBits', x, g.constant(packed, name + '_Q4'), g.constant(scales, name + '_scales'),
                      domain=MICROSOFT, K=k, N=n, bits=4, block_size=BLOCK, accuracy_level=4)

    def norm(self, g, name, size):
        return g.constant(np.ones(size, np.float32), name)


def byte_embedding(shape, seed):
    """A table of bytes instead of float32, which would be 394 MB; rows are widened after they are picked."""
    table = np.random.default_rng(seed).integers(-127, 128, (shape.vocabulary, shape.hidden), np.int8)

    def build(g, ids='input_ids'):
        rows = embed_tokens(g, g.constant(table, 'embed_tokens'), ids)
        return g.node('Mul', g.node('Cast', rows, to=FLOAT), g.constant(np.float32(1 / 73)))

    return build


def write_slice(out, layers, seed=35):
    shape, weights = full_width(layers), Int4(seed)
    embed = byte_embedding(shape, seed)
    rope = Rope('if', SHORT_FACTOR, LONG_FACTOR, stored=True)
    rng = np.random.default_rng(seed)
    write_vision(os.path.join(out, NAMES['vision']), rng.standard_normal((PATCH, shape.hidden)),
                 rng.standard_normal(PATCH), rng.standard_normal(PATCH), kind=FLOAT)
    g = Graph()
    scatter_features(g, embed(g), 'input_ids', 'image_features', 'inputs_embeds')
    g.save('embedding', *embedding_interface(FLOAT, shape.hidden), os.path.join(out, NAMES['embedding']),
           NAMES['embedding'] + '.data')
    write_text(os.path.join(out, NAMES['text']), shape, rope, weights, kind=FLOAT, data_name=NAMES['text'] + '.data')
    config = genai_config(shape, NAMES)
    write_json(out, 'genai_config.json', config)
    alone = os.path.join(out, 'genai')
    os.makedirs(alone, exist_ok=True)
    write_with_ids(out, os.path.join(alone, 'model.onnx'), shape, embed)
    for part in ('text', 'embedding'):
        link(os.path.join(out, NAMES[part] + '.data'), os.path.join(alone, NAMES[part] + '.data'))
    model = {key: item for key, item in config['model'].items() if key not in ('vision', 'embedding')}
    decoder = {**model['decoder'], 'filename': 'model.onnx'}
    inputs = {key: item for key, item in decoder['inputs'].items() if key != 'inputs_embeds'}
    decoder['inputs'] = {'input_ids': 'input_ids', **inputs}
    write_json(alone, 'genai_config.json', {**config, 'model': {**model, 'type': 'phi3', 'decoder': decoder}})


def link(source, target):
    """A second name for a file, or a copy where the file system has none. No symbolic link: runtimes refuse those."""
    if os.path.exists(target):
        os.remove(target)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_with_ids(out, path, shape, embed):
    """The text graph behind the embedding, over the files of weights of both graphs."""
    def load(part):
        return onnx.load(os.path.join(out, NAMES[part]), load_external_data=False)

    g = Graph('embed_')
    g.node('Identity', embed(g), out='inputs_embeds')
    model = load('text')
    text, own = model.graph, {tensor.name for tensor in g.initializers}
    stored = [tensor for tensor in load('embedding').graph.initializer if tensor.name == 'embed_tokens']
    nodes = g.nodes + list(text.node)
    del text.node[:]
    text.node.extend(nodes)
    text.initializer.extend(stored + [t for t in g.initializers if t.name in own - {'embed_tokens'}])
    inputs = [value('input_ids', INT64, ['batch', 'sequence'])] + [i for i in text.input if i.name != 'inputs_embeds']
    del text.input[:]
    text.input.extend(inputs)
    with open(path, 'wb') as file:
        file.write(model.SerializeToString())


if __name__ == '__main__':
    write_slice(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4)
