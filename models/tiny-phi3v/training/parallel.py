"""Two training processes that average their weights, time-boxed stages, checkpoints and progress lines.

The processes train on their own and average their parameters every SYNC_EVERY steps ("local SGD"), so that neither
waits for the other at every step when the machine is busy with other work.
"""
import os
import random
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

PROCESSES = 2
SYNC_EVERY = 10  # steps
SAVE_EVERY = 100  # steps


def run(worker, *args):
    """Runs `worker(team, *args)` in PROCESSES processes with one thread each and waits for them."""
    os.environ['OMP_NUM_THREADS'] = '1'
    rendezvous = os.path.join(os.path.abspath(args[0]['folder']), f'rendezvous-{os.getpid()}-{time.time_ns()}')
    mp.spawn(_main, (worker, rendezvous, args), nprocs=PROCESSES)


def _main(rank, worker, rendezvous, args):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method='file://' + rendezvous, rank=rank, world_size=PROCESSES)
    worker(Team(rank, args[0]), *args)
    dist.barrier()
    dist.destroy_process_group()


class Team:
    """What a training process knows about its stage: rank, clock, checkpoint file, progress."""

    def __init__(self, rank, job):
        self.rank, self.job = rank, job
        self.rng = random.Random(f"{job['seed']}-{job['name']}-{rank}-{time.time_ns()}")
        self.step, self.spent, self.finished, self._last, self._sums = 0, 0.0, False, None, {}

    def progress(self):
        """Share of the stage's time that is used up (0..1), by this process's clock."""
        now = time.time()
        self.spent += 0 if self._last is None else now - self._last
        self._last = now
        return min(1, self.spent / (60 * self.job['minutes']))

    def share_parameters(self, parameters):
        for p in parameters:
            dist.broadcast(p.data, 0)

    def clip(self, parameters, limit=1.0):
        """Clips the norm of the whole gradient; parameters without one get zeros."""
        for p in parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        torch.nn.utils.clip_grad_norm_(parameters, limit)

    def end_of_step(self, parameters, save):
        """Counts the step; now and then averages the processes, reports and saves."""
        self.step += 1
        if self.step % SYNC_EVERY == 0:
            self._synchronise(parameters)
        if self.step % SAVE_EVERY == 0 or self.finished:
            self.report()
            save()

    @torch.no_grad()
    def _synchronise(self, parameters):
        flat = torch.cat([p.reshape(-1) for p in parameters])
        dist.all_reduce(flat)
        flat /= PROCESSES
        at = 0
        for p in parameters:
            p.copy_(flat[at:at + p.numel()].view_as(p))
            at += p.numel()
        self.progress()
        spent = torch.tensor([self.spent], dtype=torch.float64)
        dist.broadcast(spent, 0)
        self.spent = spent.item()
        self.finished = self.progress() >= 1

    # ------------------------------------------------------------------ progress
    def note(self, name, value, count=1):
        total, n = self._sums.get(name, (0., 0))
        self._sums[name] = (total + value, n + count)

    def report(self):
        """Prints one line with the averages since the last one (process 0 only)."""
        if self.rank == 0:
            job, share = self.job, min(1, self.spent / (60 * self.job['minutes']))
            left = job['minutes'] * (1 - share) + job['minutes_after']
            text = ' '.join(f'{k} {t / max(1, n):.3f}' for k, (t, n) in sorted(self._sums.items()))
            print(f"[stage {job['number']} of {job['count']}: {job['name']}] {100 * share:3.0f} %  step {self.step}  "
                  f"ETA {left:.0f} min  | {text}", flush=True)
        self._sums = {}

    # ------------------------------------------------------------------ checkpoints
    def save(self, weights, optimisers):
        """Writes weights (name -> state dict) and what is needed to go on; atomic."""
        if self.rank == 0:
            path = self.job['state']
            state = {'weights': weights, 'step': self.step, 'spent': self.spent,
                     'optimisers': [o.state_dict() for o in optimisers]}
            torch.save(state, path + '.tmp')
            os.replace(path + '.tmp', path)

    def resume(self):
        """The saved state of this stage, or None."""
        if not os.path.exists(self.job['state']):
            return None
        state = torch.load(self.job['state'], weights_only=True)
        self.step, self.spent = state['step'], state['spent']
        return state
