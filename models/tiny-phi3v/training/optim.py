"""Muon: momentum with orthogonalised updates, for the decoder's matrices."""
import torch


class Muon:
    """Updates of matrices [out, in]; the joined qkv and gate/up matrices are orthogonalised block by block."""

    def __init__(self, parameters, width):
        self.parameters, self.width = list(parameters), width
        self.momentum = [torch.zeros_like(p) for p in self.parameters]

    def state_dict(self):
        return {'momentum': self.momentum}

    def load_state_dict(self, state):
        self.momentum = state['momentum']

    def _blocks(self, update):
        """[out, in] -> [blocks, rows, columns]"""
        rows, columns = update.shape
        if rows == 3 * self.width and columns == self.width:
            return update.view(3, self.width, columns)
        return update.view(2, -1, columns) if rows > 3 * self.width else update[None]

    @torch.no_grad()
    def step(self, rate, momentum=.95, decay=.02):
        groups = {}
        for i, p in enumerate(self.parameters):
            self.momentum[i].lerp_(p.grad, 1 - momentum)
            blocks = self._blocks(p.grad.lerp(self.momentum[i], momentum))
            groups.setdefault(tuple(blocks.shape[1:]), []).append((i, blocks))
        for (rows, columns), members in groups.items():
            x = torch.cat([blocks for _, blocks in members])
            tall = rows > columns
            x = x.transpose(1, 2) if tall else x
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):  # Newton-Schulz iteration towards the nearest orthogonal matrix
                y = x @ x.transpose(1, 2)
                x = 3.4445 * x + (-4.775 * y + 2.0315 * (y @ y)) @ x
            x = x.transpose(1, 2) if tall else x
            at = 0
            for i, blocks in members:
                p = self.parameters[i]
                update = x[at:at + len(blocks)].reshape(p.shape)
                p.mul_(1 - rate * decay).sub_(update, alpha=rate * max(1, rows / columns) ** .5)
                at += len(blocks)


def adamw(parameters, rate, decay=.02, betas=(.9, .97)):
    """AdamW with weight decay on matrices only."""
    parameters = list(parameters)
    return torch.optim.AdamW([
        {'params': [p for p in parameters if p.dim() > 1], 'weight_decay': decay},
        {'params': [p for p in parameters if p.dim() < 2], 'weight_decay': 0}], lr=rate, betas=betas, foreach=True)


def set_rate(optimiser, rate):
    for group in optimiser.param_groups:
        group['lr'] = rate
