"""The language graph driven from Python with an I/O binding: what ONNX Runtime's C++ core costs with nothing around it."""
import os

import numpy as np
import onnxruntime as ort

TEXT, EMBEDDING = 'phi-3.5-v-instruct-text.onnx', 'phi-3.5-v-instruct-embedding.onnx'


class Decoder:
    """One sequence. Its cache is allocated once for `capacity` tokens and bound in place as past and as present."""

    def __init__(self, folder, capacity, threads, spinning):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry('session.intra_op.allow_spinning', '1' if spinning else '0')
        providers = ['CPUExecutionProvider']
        self.embedding = ort.InferenceSession(os.path.join(folder, EMBEDDING), options, providers=providers)
        self.text = ort.InferenceSession(os.path.join(folder, TEXT), options, providers=providers)
        self.hidden = self.embedding.get_inputs()[1].shape[1]
        inputs = {node.name: node for node in self.text.get_inputs()}
        outputs = {node.name: node for node in self.text.get_outputs()}
        self.vocabulary = outputs['logits'].shape[2]
        heads, size = (inputs['past_key_values.0.key'].shape[axis] for axis in (1, 3))
        self.binding = self.text.io_binding()
        self.cache = []
        for name in inputs:
            if name.startswith('past_key_values.'):
                value = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, heads, capacity, size), np.float32))
                self.binding.bind_ortvalue_input(name, value)
                self.binding.bind_ortvalue_output(name.replace('past_key_values', 'present'), value)
                self.cache.append(value)
        self.mask = np.ones((1, capacity), np.int64)
        self.row = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, self.vocabulary), np.float32))
        self.logits = self.row
        self.no_features = np.zeros((0, self.hidden), np.float32)

    def run(self, ids, start):
        """Runs `ids` at positions start, start + 1, …; the logits of a single row lie in `row`, of more in `logits`."""
        embeds = self.embedding.run(None, {'input_ids': np.array([ids], np.int64), 'image_features': self.no_features})[0]
        self.binding.bind_cpu_input('inputs_embeds', embeds)
        self.binding.bind_cpu_input('attention_mask', np.ascontiguousarray(self.mask[:, :start + len(ids)]))
        if len(ids) > 1:
            shape = (1, len(ids), self.vocabulary)
            if tuple(self.logits.shape()) != shape:
                self.logits = ort.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
        else:
            self.logits = self.row
        self.binding.bind_ortvalue_output('logits', self.logits)
        self.text.run_with_iobinding(self.binding)

    def likeliest(self):
        """The likeliest token after the last one."""
        return int(self.logits.numpy()[0, -1].argmax())
