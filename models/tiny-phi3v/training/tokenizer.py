"""The tokenizer: a small Llama-style byte-fallback BPE with the added tokens of Phi-3.

`python tokenizer.py OUT` trains it on the texts of the drawn world and writes tokenizer.json, tokenizer_config.json
and special_tokens_map.json. The files used by the shipped model lie in `tokenizer/`; a model only fits the tokenizer
it was trained with.
"""
import json
import os
import random
import sys

import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import tasks
import world

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_FOLDER = os.path.join(HERE, 'tokenizer')
FILES = ('tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json')
BOS = 1
BASE_SIZE = 1000 - 259  # pieces learned at most, besides <unk>, <s>, </s> and 256 bytes
# Added tokens of Phi-3 in their order, with "strips whitespace to its right" and "special".
ADDED = [('<|endoftext|>', False), ('<|assistant|>', True), ('<|placeholder1|>', True), ('<|placeholder2|>', True),
         ('<|placeholder3|>', True), ('<|placeholder4|>', True), ('<|system|>', False), ('<|end|>', False),
         ('<|placeholder5|>', True), ('<|placeholder6|>', True), ('<|user|>', False)]
CHAT_TEMPLATE = ("{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' }}"
                 "{% endfor %}{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}"
                 "{{- '<|assistant|>\n' -}}{% endif %}")
GENERAL_TEXT = (
    'You are a helpful assistant that summarizes videos and slide decks. The frames of a video are shown in order. '
    'Write a short and factual summary of what happens in the video. Do not invent anything that is not visible. '
    'Answer in English with complete sentences. If a slide is shown, give its title and the main points. Keep in mind: '
    'Combine the following partial summaries into one text. Keep the order of events and remove repetitions. '
    'Return only the summary.')


class TextCodec:
    """Turns texts into ids and back."""

    def __init__(self, folder=DEFAULT_FOLDER):
        self.folder = folder
        self._tokenizer = Tokenizer.from_file(os.path.join(folder, 'tokenizer.json'))
        ids = self._tokenizer.token_to_id
        self.end, self.pad, self.assistant = ids('<|end|>'), ids('<|endoftext|>'), ids('<|assistant|>')
        self.used = max(self._tokenizer.get_vocab().values()) + 1
        self.size = (self.used + 31) // 32 * 32  # rows of the embedding table

    def encode(self, text):
        """Ids without BOS."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_pieces(self, pieces):
        """[(text, source)] read as one text -> (ids, source number of every id)."""
        text = ''.join(t for t, _ in pieces)
        sources = np.repeat([s for _, s in pieces], [len(t) for t, _ in pieces])
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, [int(sources[max(a, b - 1)]) if len(sources) else 0 for a, b in encoding.offsets]

    def decode(self, ids):
        return self._tokenizer.decode(ids, skip_special_tokens=True).strip()


def _corpus():
    rng = random.Random(0)
    for _ in range(5000):
        for sample in (tasks.merge_sample(rng, rng.randint(2, 6), 'all', keep=0),
                       tasks.parts_sample(rng, 3, 'all', keep=0), tasks.title_sample(rng, 3, 'all', keep=0)):
            text = sample.prompt_text.replace(tasks.ANSWER, '').replace(tasks.USER, '') + '\n' + sample.answer_text
            yield from text.split('\n')
        yield from tasks.ASK_PLAIN + [tasks.ASK_CAPTIONS]
    for _ in range(200):
        yield ' '.join(world.TITLE_WORDS + world.COLOUR_NAMES + world.SHAPES)
    for _ in range(40):
        yield GENERAL_TEXT


def train(folder):
    """Trains the BPE and writes the three files."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace('▁', prepend_scheme='always', split=True),
        pre_tokenizers.Split(Regex(r'[0-9\[\]:–".,]|▁(?=[0-9\["])'), 'isolated')])
    alphabet = ['▁'] + [chr(i) for i in range(33, 127)] + ['–']
    bpe.train_from_iterator(_corpus(), trainers.BpeTrainer(
        vocab_size=BASE_SIZE, initial_alphabet=alphabet, show_progress=False, min_frequency=5))
    learned = json.loads(bpe.to_str())['model']
    tokens = ['<unk>', '<s>', '</s>'] + [f'<0x{i:02X}>' for i in range(256)]
    tokens += [t for t, _ in sorted(learned['vocab'].items(), key=lambda item: item[1])]
    base = len(tokens)

    def entry(content, rstrip, special, **more):
        return {**more, 'content': content, 'single_word': False, 'lstrip': False, 'rstrip': rstrip,
                'normalized': False, 'special': special}

    added = [entry('<unk>', False, True, id=0), entry('<s>', False, True, id=1), entry('</s>', True, False, id=2)]
    added += [entry(name, strip, True, id=base + i) for i, (name, strip) in enumerate(ADDED)]
    bos = {'SpecialToken': {'id': '<s>', 'type_id': 0}}
    spec = {
        'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': added,
        'normalizer': {'type': 'Sequence', 'normalizers': [
            {'type': 'Prepend', 'prepend': '▁'},
            {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '▁'}]},
        'pre_tokenizer': None,
        'post_processor': {
            'type': 'TemplateProcessing', 'single': [bos, {'Sequence': {'id': 'A', 'type_id': 0}}],
            'pair': [bos, {'Sequence': {'id': 'A', 'type_id': 0}}, {'SpecialToken': {'id': '<s>', 'type_id': 1}},
                     {'Sequence': {'id': 'B', 'type_id': 1}}],
            'special_tokens': {'<s>': {'id': '<s>', 'ids': [BOS], 'tokens': ['<s>']}}},
        'decoder': {'type': 'Sequence', 'decoders': [
            {'type': 'Replace', 'pattern': {'String': '▁'}, 'content': ' '}, {'type': 'ByteFallback'},
            {'type': 'Fuse'}, {'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 0}]},
        'model': {'type': 'BPE', 'dropout': None, 'unk_token': '<unk>', 'continuing_subword_prefix': None,
                  'end_of_word_suffix': None, 'fuse_unk': True, 'byte_fallback': True, 'ignore_merges': False,
                  'vocab': {t: i for i, t in enumerate(tokens)},
                  'merges': [m if isinstance(m, str) else ' '.join(m) for m in learned['merges']]},
    }
    config = {
        'add_bos_token': True, 'add_eos_token': False, 'add_prefix_space': None,
        'added_tokens_decoder': {str(a['id']): {k: v for k, v in a.items() if k != 'id'} for a in added},
        'additional_special_tokens': ['<|system|>', '<|end|>', '<|user|>', '<|end|>'],
        'bos_token': '<s>', 'chat_template': CHAT_TEMPLATE, 'clean_up_tokenization_spaces': False,
        'eos_token': '<|endoftext|>', 'legacy': False, 'model_max_length': 16384, 'pad_token': '<|endoftext|>',
        'padding_side': 'right', 'processor_class': 'Phi3VProcessor', 'sp_model_kwargs': {},
        'tokenizer_class': 'LlamaTokenizer', 'unk_token': '<unk>', 'use_default_system_prompt': False,
    }

    def plain(content):
        return {'content': content, 'lstrip': False, 'normalized': False, 'rstrip': False, 'single_word': False}

    special = {'additional_special_tokens': config['additional_special_tokens'], 'bos_token': plain('<s>'),
               'eos_token': plain('<|endoftext|>'), 'pad_token': plain('<|endoftext|>'), 'unk_token': plain('<unk>')}
    os.makedirs(folder, exist_ok=True)
    for name, value in zip(FILES, (spec, config, special)):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
            file.write('\n')


if __name__ == '__main__':
    train(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_FOLDER)
