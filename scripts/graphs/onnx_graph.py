"""A small writer of ONNX graphs: collects nodes and initializers, and saves them with or without a file of weights."""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, INT64, BOOL = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.BOOL
MICROSOFT = 'com.microsoft'
LARGE = 256  # numbers; smaller tensors are kept in the graph's own type, and never in a file of weights


class Graph:
    """Nodes and initializers under one prefix. `kind` is the type that floating-point weights have for the operators."""

    def __init__(self, prefix='', kind=FLOAT):
        self.nodes, self.initializers, self.prefix, self.kind, self._count = [], [], prefix, kind, 0

    def constant(self, value, name=None):
        """Adds a value as it is and returns its name."""
        name = name or f'{self.prefix}const_{len(self.initializers)}'
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def number(self, value):
        return self.constant(np.array(value, helper.tensor_dtype_to_np_dtype(self.kind)))

    def weight(self, value, name):
        """Adds a weight of the graph's type. Large ones are stored as 16 bit and, in a float32 graph, cast when loaded."""
        if self.kind == FLOAT and value.size < LARGE:
            return self.constant(value.astype(np.float32), name)
        if self.kind == HALF:
            return self.constant(value.astype(np.float16), name)
        return self.node('Cast', self.constant(value.astype(np.float16), name + '_f16'), out=name, to=FLOAT)

    def node(self, op, *inputs, out=None, outs=None, domain='', **attributes):
        """Adds an operator and returns the name of its (first) output."""
        self._count += 1
        outs = outs or [out or f'{self.prefix}{op}_{self._count}']
        name = f'{self.prefix}{op}_{self._count}'
        self.nodes.append(helper.make_node(op, list(inputs), outs, name=name, domain=domain, **attributes))
        return outs[0]

    def body(self, name, inputs, outputs):
        """The graph as a branch or a loop body."""
        return helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)

    def save(self, name, inputs, outputs, path, data_name=None):
        """Writes the graph; with `data_name`, its large initializers go into that file beside it."""
        opsets = [helper.make_opsetid('', 18), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(self.body(name, inputs, outputs), opset_imports=opsets, ir_version=10,
                                  producer_name='frameloom')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if data_name is not None and os.path.exists(data_file := os.path.join(os.path.dirname(path), data_name)):
            os.remove(data_file)  # onnx would append
        external = {} if data_name is None else dict(save_as_external_data=True, all_tensors_to_one_file=True,
                                                     location=data_name, size_threshold=4 * LARGE)
        onnx.save(model, path, **external)


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)
