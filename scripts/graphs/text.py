"""The language graph of Phi-3.5-vision at any size, with the operators and inputs of the published ones.

Two ways to choose the rope factors, both of which are published:
- 'if': the width of attention_mask picks one of two pairs of tables, attention rotates (CPU folder; packed q, k, v);
- 'offset': one pair of tables, and positions move behind its first part when the largest of position_ids lies there
  (graphs for DirectML and the web; q, k and v apart, rotated by an operator of their own).
"""
import math
from dataclasses import dataclass

import numpy as np

from onnx_graph import INT64, MICROSOFT, Graph, value

ORIGINAL_CONTEXT = 4096
THETA = 10000.0
EPSILON = 1e-5


@dataclass(frozen=True)
class Shape:
    hidden: int
    layers: int
    heads: int
    head_size: int
    mlp: int
    vocabulary: int
    context: int


@dataclass(frozen=True)
class Rope:
    style: str  # 'if' or 'offset'
    short_factor: np.ndarray
    long_factor: np.ndarray
    stored: bool  # tables as constants, as published, or worked out when the graph is loaded, which makes a small file


def rope_scale(shape):
    return math.sqrt(1 + math.log(shape.context / ORIGINAL_CONTEXT) / math.log(ORIGINAL_CONTEXT))


def _tables(g, shape, rope, regime):
    """Names of a [rows, head_size / 2] table of cosines and one of sines, float32."""
    rows, factor = {'short': (ORIGINAL_CONTEXT, rope.short_factor), 'long': (shape.context, rope.long_factor)}[regime]
    exponent = np.arange(0, shape.head_size, 2, dtype=np.float64) / shape.head_size
    inverse = 1 / (np.asarray(factor, np.float64) * THETA ** exponent)
    if rope.stored:
        angles = np.outer(np.arange(rows, dtype=np.float64), inverse)
        return [g.constant((function(angles) * rope_scale(shape)).astype(np.float32), f'{name}_{regime}')
                for name, function in (('cos', np.cos), ('sin', np.sin))]
    ends = [g.constant(np.float32(number)) for number in (0, rows, 1)]
    positions = g.node('Unsqueeze', g.node('Range', *ends), g.ints(1))
    angles = g.node('Mul', positions, g.constant(inverse.astype(np.float32)[None]))
    scale = g.constant(np.float32(rope_scale(shape)))
    return [g.node('Mul', g.node(op, angles), scale, out=f'{op.lower()}_{regime}') for op in ('Cos', 'Sin')]


def _typed(g, name, out):
    return g.node('Cast', name, out=out, to=g.kind)


class _MaskWidthRope:
    """One `If` on the total length picks the tables; GroupQueryAttention rotates."""

    def __init__(self, g, shape, rope, total):
        branches = {}
        tables = {regime: _tables(g, shape, rope, regime) for regime in ('short', 'long')}
        for regime, names in tables.items():
            b = Graph(f'{regime}_', g.kind)
            for name, out in zip(names, ('cos', 'sin')):
                _typed(b, name, f'{out}_{regime}_picked')
            outputs = [value(f'{out}_{regime}_picked', g.kind, None) for out in ('cos', 'sin')]
            branches[regime] = b.body(f'{regime}_factors', [], outputs)
        longer = g.node('Greater', total, g.constant(np.int64(ORIGINAL_CONTEXT)))
        g.node('If', longer, outs=['cos_cache', 'sin_cache'], then_branch=branches['long'], else_branch=branches['short'])

    def attend(self, g, shape, weights, x, prefix):
        width = shape.heads * shape.head_size
        packed = weights.matmul(g, x, prefix + 'qkv_proj', shape.hidden, 3 * width)
        return [packed, '', ''], ['cos_cache', 'sin_cache'], {'do_rotary': 1, 'rotary_interleaved': 0}


class _PositionOffsetRope:
    """The long tables lie behind the short ones; positions are moved there as soon as one of them needs it."""

    def __init__(self, g, shape, rope, total):
        short, long = (_tables(g, shape, rope, regime) for regime in ('short', 'long'))
        for out, pair in zip(('cos_cache', 'sin_cache'), zip(short, long)):
            _typed(g, g.node('Concat', *pair, axis=0), out)
        first_long = g.constant(np.int64(ORIGINAL_CONTEXT))
        largest = g.node('ReduceMax', 'position_ids', keepdims=0)
        offset = g.node('Where', g.node('GreaterOrEqual', largest, first_long), first_long, g.constant(np.int64(0)))
        self.positions = g.node('Add', 'position_ids', offset)

    def attend(self, g, shape, weights, x, prefix):
        width = shape.heads * shape.head_size
        q, k, v = (weights.matmul(g, x, f'{prefix}{part}_proj', shape.hidden, width) for part in 'qkv')
        q, k = (g.node('RotaryEmbedding', t, self.positions, 'cos_cache', 'sin_cache', domain=MICROSOFT, interleaved=0)
                for t in (q, k))
        return [q, k, v], [], {'do_rotary': 0}


def write_text(path, shape, rope, weights, *, kind, data_name=None):
    """inputs_embeds, attention_mask, past keys and values (and position_ids) -> logits, present keys and values"""
    g = Graph(kind=kind)
    one, axis = g.constant(np.int64(1)), g.ints(1)
    total = g.node('Gather', g.node('Shape', 'attention_mask'), one, axis=0)
    last = g.node('Cast', g.node('Sub', g.node('ReduceSum', 'attention_mask', axis, keepdims=0), axis), to=6)
    length = g.node('Cast', total, to=6)
    rotation = {'if': _MaskWidthRope, 'offset': _PositionOffsetRope}[rope.style](g, shape, rope, total)

    x = 'inputs_embeds'
    inputs = [value(x, kind, ['batch', 'sequence', shape.hidden]),
              value('attention_mask', INT64, ['batch', 'total'])]
    if rope.style == 'offset':
        inputs.append(value('position_ids', INT64, ['batch', 'sequence']))
    outputs = [value('logits', kind, ['batch', 'sequence', shape.vocabulary])]
    normed = g.node('SimplifiedLayerNormalization', x, weights.norm(g, 'layers.0.input_layernorm', shape.hidden),
                    axis=-1, epsilon=EPSILON, stash_type=1)

    def add_and_norm(skip, update, name):
        outs = [name + '.normed', '', '', name + '.sum']
        g.node('SkipSimplifiedLayerNormalization', skip, update, weights.norm(g, name, shape.hidden), outs=outs,
               domain=MICROSOFT, epsilon=EPSILON)
        return outs[0], outs[3]

    for i in range(shape.layers):
        name = f'layers.{i}.'
        past = [f'past_key_values.{i}.{part}' for part in ('key', 'value')]
        present = [f'present.{i}.{part}' for part in ('key', 'value')]
        cache = ['batch', shape.heads, 'past', shape.head_size], ['batch', shape.heads, 'total', shape.head_size]
        inputs += [value(p, kind, cache[0]) for p in past]
        outputs += [value(p, kind, cache[1]) for p in present]
        qkv, tables, attributes = rotation.attend(g, shape, weights, normed, name)
        attended = g.node('GroupQueryAttention', *qkv, *past, last, length, *tables, outs=[name + 'attended', *present],
                          domain=MICROSOFT, num_heads=shape.heads, kv_num_heads=shape.heads,
                          scale=shape.head_size ** -.5, **attributes)
        width = shape.heads * shape.head_size
        update = weights.matmul(g, attended, name + 'o_proj', width, shape.hidden)
        normed, x = add_and_norm(x, update, name + 'post_attention_layernorm')
        gate, up = (weights.matmul(g, normed, name + part, shape.hidden, shape.mlp) for part in ('gate_proj', 'up_proj'))
        gated = g.node('Mul', g.node('Mul', gate, g.node('Sigmoid', gate)), up)
        update = weights.matmul(g, gated, name + 'down_proj', shape.mlp, shape.hidden)
        following = f'layers.{i + 1}.input_layernorm' if i + 1 < shape.layers else 'final_norm'
        normed, x = add_and_norm(x, update, following)
    logits = weights.matmul(g, normed, 'lm_head', shape.hidden, shape.vocabulary)
    g.node('Identity', logits, out='logits')
    g.save('text', inputs, outputs, path, data_name)
