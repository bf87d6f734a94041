"""Tiny Phi-3.5-vision in torch: CLIP vision encoder, HD merge with projector, Phi-3 decoder.

Sizes: 336 x 336 pixels -> 24 x 24 patches of 96 numbers -> 2 x 2 patches joined to 12 x 12 of 384 -> projected to the
decoder's 128. One tile pair costs 313 tokens (12 rows of 12 and a separator, one separator, the same for the global
view). The parameter names are those of the Hugging Face models.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

VISION = dict(dim=96, heads=3, mlp=384, layers=4)  # layers in use: hidden_states[-2] of a CLIP with one more
DECODER = dict(hidden=128, heads=4, head_dim=32, mlp=384, layers=6, theta=10000.0, eps=1e-5)
CONTEXT, ORIGINAL_CONTEXT = 16384, 4096  # longrope: another branch of cosines and sines above ORIGINAL_CONTEXT
SHORT_FACTOR = [1.0] * (DECODER['head_dim'] // 2)
# The long factors differ a little, so that using the wrong branch shows in the numbers.
LONG_FACTOR = [round(1 + .002 * i, 4) for i in range(DECODER['head_dim'] // 2)]
ROPE_SCALE = math.sqrt(1 + math.log(CONTEXT / ORIGINAL_CONTEXT) / math.log(ORIGINAL_CONTEXT))
MERGED = 4 * VISION['dim']
TOKENS_PER_VIEW = 12 * 13


class VisionBlock(nn.Module):
    """Pre-norm transformer block of CLIP with quick GELU."""

    def __init__(self, dim, heads, mlp):
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.q_proj, self.k_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.v_proj, self.out_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.fc1, self.fc2 = nn.Linear(dim, mlp), nn.Linear(mlp, dim)

    def forward(self, x):
        batch, length, dim = x.shape
        projections = (self.q_proj, self.k_proj, self.v_proj)
        qkv = F.linear(self.layer_norm1(x), torch.cat([p.weight for p in projections]),
                       torch.cat([p.bias for p in projections]))
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2) for t in qkv.split(dim, -1))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, length, dim)
        x = x + self.out_proj(attended)
        y = self.fc1(self.layer_norm2(x))
        return x + self.fc2(y * torch.sigmoid(1.702 * y))


class VisionEncoder(nn.Module):
    """[B, 3, 336, 336] normalised pixels -> [B, 576, 96], patches row by row."""

    def __init__(self, dim, heads, mlp, layers):
        super().__init__()
        self.dim = dim
        self.class_embedding = nn.Parameter(torch.randn(dim) * .02)
        self.patch_embedding = nn.Conv2d(3, dim, 14, 14, bias=False)
        self.position_embedding = nn.Parameter(torch.randn(577, dim) * .02)
        self.pre_layrnorm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(VisionBlock(dim, heads, mlp) for _ in range(layers))

    def forward(self, pixels):
        batch = pixels.shape[0]
        x = pixels.reshape(batch, 3, 24, 14, 24, 14).permute(0, 2, 4, 1, 3, 5).reshape(batch, 576, 588)
        x = F.linear(x, self.patch_embedding.weight.reshape(self.dim, 588))
        x = torch.cat([self.class_embedding.expand(batch, 1, -1), x], 1) + self.position_embedding
        x = self.pre_layrnorm(x)
        for layer in self.layers:
            x = layer(x)
        return x[:, 1:]


def merge_patches(features):
    """[B, 576, C] -> [B, 12, 12, 4C]: 2 x 2 neighbouring patches become one vector."""
    batch, _, channels = features.shape
    x = features.view(batch, 12, 2, 12, 2, channels).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, 12, 12, 4 * channels)


class Projector(nn.Module):
    """Puts the separators between merged patches and maps everything to the decoder's width."""

    def __init__(self, merged, hidden):
        super().__init__()
        self.glb_GN = nn.Parameter(torch.randn(1, 1, merged) * .02)  # between tiles and global view
        self.sub_GN = nn.Parameter(torch.randn(1, 1, merged) * .02)  # at the end of every row
        self.img_projection = nn.Sequential(nn.Linear(merged, hidden), nn.GELU(), nn.Linear(hidden, hidden))

    def single(self, views):
        """Views of pictures at num_crops = 1: [B, 12, 12, 4C] -> [B, 313, hidden] (the tile is the global view)."""
        batch = views.shape[0]
        projected = self.img_projection(views)
        hidden = projected.shape[-1]
        row_end = self.img_projection(self.sub_GN[0]).view(1, 1, 1, hidden).expand(batch, 12, 1, hidden)
        middle = self.img_projection(self.glb_GN[0]).view(1, 1, hidden).expand(batch, 1, hidden)
        rows = torch.cat([projected, row_end], 2).reshape(batch, TOKENS_PER_VIEW, hidden)
        return torch.cat([rows, middle, rows], 1)

    def tiled(self, views, rows, columns):
        """One picture of several tiles: [1 + rows * columns, 12, 12, 4C], global view first -> [tokens, hidden]."""
        channels = views.shape[-1]
        grid = views[1:].view(rows, columns, 12, 12, channels).permute(0, 2, 1, 3, 4)
        grid = grid.reshape(rows * 12, columns * 12, channels)

        def with_ends(block):
            ends = self.sub_GN.expand(block.shape[0], 1, -1)
            return torch.cat([block, ends], 1).reshape(-1, channels)

        return self.img_projection(torch.cat([with_ends(grid), self.glb_GN[0], with_ends(views[0])], 0))


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.head_dim = config['heads'], config['head_dim']
        width = self.heads * self.head_dim
        self.qkv_proj = nn.Linear(config['hidden'], 3 * width, bias=False)
        self.o_proj = nn.Linear(width, config['hidden'], bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        z = self.qkv_proj(x).view(batch, length, 3 * self.heads, self.head_dim).transpose(1, 2)
        a, b = z[:, :2 * self.heads].chunk(2, -1)
        rotated = torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        y = F.scaled_dot_product_attention(rotated[:, :self.heads], rotated[:, self.heads:], z[:, 2 * self.heads:],
                                           is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_up_proj = nn.Linear(config['hidden'], 2 * config['mlp'], bias=False)
        self.down_proj = nn.Linear(config['mlp'], config['hidden'], bias=False)

    def forward(self, x):
        gate, up = self.gate_up_proj(x).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


class DecoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attn, self.mlp = Attention(config), FeedForward(config)
        self.input_layernorm = RMSNorm(config['hidden'], config['eps'])
        self.post_attention_layernorm = RMSNorm(config['hidden'], config['eps'])

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Phi-3 language model; the state dict has the names of HF Phi3ForCausalLM."""

    def __init__(self, vocabulary, config=None):
        super().__init__()
        config = self.config = config or DECODER
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(vocabulary, config['hidden'])
        self.model.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config['layers']))
        self.model.norm = RMSNorm(config['hidden'], config['eps'])
        self.lm_head = nn.Linear(config['hidden'], vocabulary, bias=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=.02 if 'embed' in name else .6 / math.sqrt(p.shape[1]))
            if name.endswith(('o_proj.weight', 'down_proj.weight')):
                p.data /= math.sqrt(2 * config['layers'])
        frequencies = 1 / config['theta'] ** (torch.arange(0, config['head_dim'], 2) / config['head_dim'])
        angles = torch.outer(torch.arange(float(ORIGINAL_CONTEXT)), frequencies)
        self.register_buffer('cos', angles.cos() * ROPE_SCALE, persistent=False)
        self.register_buffer('sin', angles.sin() * ROPE_SCALE, persistent=False)

    def forward(self, x, keep=()):
        """Embeddings [B, T, hidden] -> (last hidden states [B, T, hidden], list of those after the layers `keep`)."""
        cos, sin = self.cos[:x.shape[1]], self.sin[:x.shape[1]]
        kept = []
        for i, layer in enumerate(self.model.layers):
            x = layer(x, cos, sin)
            if i in keep:
                kept.append(x)
        return self.model.norm(x), kept
