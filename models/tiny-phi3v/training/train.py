"""Trains the tiny model from nothing, or goes on from a checkpoint, and exports it.

  python train.py                          all stages, then export to the folder above
  python train.py --init CHECKPOINT --stages language,joint
  python train.py --minutes language=1,vision=1      other time boxes, for trying things out

Run again after a stop, it goes on from the last checkpoint (every 100 steps) in the --work folder.
"""
import argparse
import json
import os
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault('OMP_NUM_THREADS', '1')

import parallel  # noqa: E402
import tokenizer  # noqa: E402
import train_language  # noqa: E402
import train_vision  # noqa: E402

# Copying first: lists of random words, captions, titles; no images.
MIX_TEXT = [
    [.4, {'junk2': 1, 'junk3': 1, 'junk4': .7, 'tcap2': .6, 'tcap3': .6, 'merge2': 1, 'merge3': 1, 'title2': .6}],
    [1, {'junk3': .6, 'junk5': .6, 'tcap3': .5, 'tcap6': .5, 'merge2': .6, 'merge3': .8, 'merge4': 1, 'merge6': .8,
         'parts2': .6, 'title2': .4, 'title5': .4, 'ptitle2': .3}],
]
MIX_FIRST_LOOK = [
    [.5, {'junk4': .3, 'merge3': .4, 'merge5': .4, 'title3': .2, 'tcap4': .4, 'caps1': 1.5, 'caps2': 2.5, 'caps3': 2}],
    [1, {'junk5': .2, 'merge3': .4, 'merge5': .5, 'parts2': .3, 'title4': .3, 'tcap5': .4, 'plain': .3, 'caps1': 1.2,
         'caps2': 1.8, 'caps3': 2, 'caps4': 1.8, 'caps6': 1}],
]
MIX_ALL = [
    [.6, {'plain': .2, 'caps1': 1.3, 'caps2': 1.2, 'caps3': 1.3, 'caps4': 1.4, 'caps5': 1.2, 'caps6': 1.6,
          'junk4': .25, 'junk6': .25, 'tcap6': .2, 'merge1': .05, 'merge2': .3, 'merge3': .6, 'merge4': .8,
          'merge5': .8, 'merge6': 1, 'merge8': .3, 'parts2': .6, 'parts3': .8, 'parts4': .8, 'title3': .25,
          'title6': .2, 'ptitle2': .1, 'ptitle4': .15}],
    [1, {'plain': .1, 'caps1': 1.2, 'caps2': 1.2, 'caps3': 1.3, 'caps4': 1.6, 'caps5': 1, 'caps6': 1.4, 'merge1': .05,
         'merge2': .1, 'merge3': .3, 'merge4': .5, 'merge5': .5, 'merge6': .9, 'merge8': .2, 'parts2': 1.2, 'parts3': 1.8,
         'parts4': 1.2, 'title3': .15, 'title6': .1, 'ptitle2': .1, 'ptitle4': .2}],
]
STAGES = {  # name: (module, minutes, settings)
    'vision': (train_vision, 26, {'rate': 1.2e-3}),
    'text': (train_language, 12, {'rate': 2e-3, 'muon_rate': .015, 'final': .6, 'mix': MIX_TEXT}),
    'look': (train_language, 18, {'rate': 1.8e-3, 'muon_rate': .012, 'final': .7, 'half': .6, 'mix': MIX_FIRST_LOOK}),
    'language': (train_language, 42, {'rate': 1.2e-3, 'muon_rate': .009, 'final': .25, 'half': .8, 'tiled': .12,
                                      'mix': MIX_ALL}),
    'joint': (train_language, 17, {'rate': 4e-4, 'muon_rate': .003, 'final': .02, 'tiled': .12, 'vision_rate': 2e-4,
                                   'image_tokens': 1300, 'mix': MIX_ALL[1:]}),
}
# Other ways to run a stage, chosen with --stages; not part of the run from nothing.
VARIANTS = {
    'vision-tune': (train_vision, 13, {'rate': 5e-4}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work', default=os.path.join(HERE, 'work'), help='folder of intermediate files')
    parser.add_argument('--init', help='checkpoint to begin with')
    parser.add_argument('--stages', default=','.join(STAGES), help='comma-separated; known: '
                        + ', '.join([*STAGES, *VARIANTS]))
    parser.add_argument('--minutes', default='', help='other time boxes, as stage=minutes,...')
    parser.add_argument('--set', default='{}', help='other settings as JSON: {"stage": {"rate": 0.001}}')
    parser.add_argument('--tokenizer', default=tokenizer.DEFAULT_FOLDER,
                        help='folder of the tokenizer; "new" trains one in the work folder')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', default=os.path.join(HERE, '..'),
                        help='folder to export to; "" exports nothing')
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    if args.tokenizer == 'new':
        args.tokenizer = os.path.join(args.work, 'tokenizer')
        if not os.path.exists(args.tokenizer):
            print('training the tokenizer', flush=True)
            tokenizer.train(args.tokenizer)
    known = {**STAGES, **VARIANTS}
    names = args.stages.split(',')
    boxes = {name: known[name][1] for name in names}
    boxes.update((k, float(v)) for k, v in (pair.split('=') for pair in args.minutes.split(',') if pair))
    changes = json.loads(args.set)
    begun = time.time()
    weights = torch.load(args.init, weights_only=True)['weights'] if args.init else {}
    for number, name in enumerate(names, 1):
        module, _, settings = known[name]
        state = os.path.join(args.work, f'{number}-{name}.pt')
        done = state[:-3] + '.done'
        if not os.path.exists(done):
            job = {'name': name, 'number': number, 'count': len(names), 'minutes': boxes[name], 'state': state,
                   'minutes_after': sum(boxes[n] for n in names[number:]), 'seed': args.seed, 'folder': args.work,
                   'tokenizer': args.tokenizer}
            print(f'[stage {number} of {len(names)}: {name}] up to {boxes[name]:g} min of training', flush=True)
            parallel.run(module.train, job, {**settings, **changes.get(name, {})}, weights)
            open(done, 'w').close()
        weights = torch.load(state, weights_only=True)['weights']
    final = os.path.join(args.work, 'final.pt')
    torch.save({'weights': weights}, final)
    print(f'trained in {(time.time() - begun) / 60:.0f} min: {final}', flush=True)
    if args.out:
        import export
        export.export(weights, args.out, args.tokenizer)


if __name__ == '__main__':
    main()
