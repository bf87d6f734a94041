"""The same with onnxruntime-genai: `genai.py JPEG MODEL_FOLDER ROUNDS`. It makes the tensor of 16 crops whatever it is asked for.

The package is in the folder that the environment variable RIVAL names.
"""

import json
import os
import resource
import sys

sys.path.insert(0, os.environ["RIVAL"])

import onnxruntime_genai  # noqa: E402


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1000


jpeg, folder, rounds = sys.argv[1:4]
processor = onnxruntime_genai.Model(folder).create_multimodal_processor()
prompt = "<|user|>\n<|image_1|>\nHi<|end|>\n<|assistant|>\n"

total = []
for _ in range(int(rounds)):
    begun = cpu()
    inputs = processor(prompt, images=onnxruntime_genai.Images.open(jpeg))
    inputs["pixel_values"]
    total.append(cpu() - begun)
print(json.dumps({"total": total}))
