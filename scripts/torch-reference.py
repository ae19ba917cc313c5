"""Lets PyTorch itself write what the readers of foreign weights are tested on.

    torch-reference.py fixture DIR   small.pt, small.json, ...: committed, a few kilobytes
    torch-reference.py facenet DIR   an InceptionResnetV1 with random weights, and what PyTorch computes with it

Run by `npm run test:torch`, which installs PyTorch first.
"""

import io
import json
import os
import sys
import zipfile
from collections import OrderedDict

import numpy
import torch
from torch import nn
from torch.nn import functional

BN_EPSILON = 1e-3


def plain(value):
    """JSON has no infinities: they are written as strings."""
    return value if abs(value) != float("inf") else str(value)


def fixture(folder):
    torch.manual_seed(7)
    state = OrderedDict()
    edges = [0.0, -0.0, 1.5, -2.0, 65504.0, 2.0**-14, 2.0**-24, -(2.0**-20), 0.333251953125]
    for name in ["float16", "bfloat16", "float32", "float64"]:
        state[name] = torch.tensor(edges, dtype=torch.float64).to(getattr(torch, name))
    state["infinite"] = torch.tensor([float("inf"), -float("inf")], dtype=torch.float16)
    for name in ["int8", "int16", "int32", "int64"]:
        state[name] = torch.tensor([[-128, 127, 0], [1, -1, 5]], dtype=getattr(torch, name))
    state["uint8"] = torch.tensor([0, 1, 255], dtype=torch.uint8)
    state["bool"] = torch.tensor([True, False, True])
    # What a batch norm counts: a tensor without dimensions.
    state["bn.num_batches_tracked"] = torch.tensor(1234567, dtype=torch.int64)
    state["empty"] = torch.zeros(0, 3)

    base = torch.arange(24, dtype=torch.float32)
    # All of these are views of one storage: torch.save writes it once.
    state["shared.whole"] = base.reshape(2, 3, 4)
    state["shared.transposed"] = base.reshape(2, 3, 4).permute(2, 0, 1)
    state["shared.offset"] = base[5:11].reshape(2, 3)
    state["shared.stepped"] = base[1::5]
    state["shared.column"] = base.reshape(6, 4)[:, 2]
    state["expanded"] = torch.tensor([[3.0], [4.0]], dtype=torch.float16).expand(2, 5)
    state["channels_last"] = torch.randn(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    state["__proto__"] = torch.tensor([9.0])
    # As state_dict() does it: an OrderedDict with an attribute.
    state._metadata = OrderedDict([("", {"version": 1})])

    def expected(tensors):
        return {
            key: {
                "shape": list(tensor.shape),
                "values": [plain(v) for v in tensor.to(torch.float32).reshape(-1).tolist()],
            }
            for key, tensor in tensors.items()
        }

    torch.save(state, os.path.join(folder, "small.pt"))
    with open(os.path.join(folder, "small.json"), "w") as file:
        json.dump({"torch": torch.__version__.split("+")[0], "tensors": expected(state)}, file)
        file.write("\n")

    # A checkpoint as training loops write it, with a parameter, and by the newest protocol of pickle.
    layer = nn.Linear(3, 2)
    checkpoint = {
        "epoch": 3,
        "loss": 0.25,
        "history": [1.0, 2, None, True, ("a", 2**40, -(2**40))],
        "state_dict": dict(layer.named_parameters()),
    }
    torch.save(checkpoint, os.path.join(folder, "checkpoint.pt"), pickle_protocol=5)
    with open(os.path.join(folder, "checkpoint.json"), "w") as file:
        json.dump({"tensors": expected({k: p.detach() for k, p in layer.named_parameters()})}, file)
        file.write("\n")

    # What has to be refused.
    torch.save(layer.state_dict(), os.path.join(folder, "legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save(layer, os.path.join(folder, "module.pt"))
    program = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.ReLU(), torch.zeros(1)), program)
    # Without what helps to debug it: that names folders of the machine that it was made on.
    with zipfile.ZipFile(program) as whole, zipfile.ZipFile(os.path.join(folder, "script.pt"), "w") as kept:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(entry, whole.read(entry))

    # NumPy's own files, to hold the reader of .npy against their writer.
    grid = numpy.linspace(-3, 3, 24).reshape(2, 3, 4)
    numpy.save(os.path.join(folder, "c-float16.npy"), grid.astype("<f2"))
    numpy.save(os.path.join(folder, "fortran-float32.npy"), numpy.asfortranarray(grid.astype("<f4")))
    for version in [(2, 0), (3, 0)]:
        with open(os.path.join(folder, f"version-{version[0]}.npy"), "wb") as file:
            numpy.lib.format.write_array(file, grid, version=version)


class ConvolutionWithNorm(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=BN_EPSILON, momentum=1.0)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, scale, branches, projection, activate=True):
        super().__init__()
        self.scale = scale
        self.activate = activate
        self.count = len(branches)
        for number, branch in enumerate(branches):
            setattr(self, f"branch{number}", branch)
        self.conv2d = projection

    def forward(self, x):
        joined = torch.cat([getattr(self, f"branch{i}")(x) for i in range(self.count)], 1)
        y = self.conv2d(joined) * self.scale + x
        return functional.relu(y) if self.activate else y


class Reduction(nn.Module):
    def __init__(self, branches):
        super().__init__()
        self.count = len(branches)
        for number, branch in enumerate(branches):
            setattr(self, f"branch{number}", branch)

    def forward(self, x):
        joined = [getattr(self, f"branch{i}")(x) for i in range(self.count)]
        return torch.cat([*joined, functional.max_pool2d(x, 3, 2)], 1)


def block35():
    c = ConvolutionWithNorm
    return Residual(
        0.17,
        [
            c(256, 32, 1),
            nn.Sequential(c(256, 32, 1), c(32, 32, 3, padding=1)),
            nn.Sequential(c(256, 32, 1), c(32, 32, 3, padding=1), c(32, 32, 3, padding=1)),
        ],
        nn.Conv2d(96, 256, 1),
    )


def block17():
    c = ConvolutionWithNorm
    column = nn.Sequential(c(896, 128, 1), c(128, 128, (1, 7), padding=(0, 3)), c(128, 128, (7, 1), padding=(3, 0)))
    return Residual(0.10, [c(896, 128, 1), column], nn.Conv2d(256, 896, 1))


def block8(scale, activate=True):
    c = ConvolutionWithNorm
    column = nn.Sequential(c(1792, 192, 1), c(192, 192, (1, 3), padding=(0, 1)), c(192, 192, (3, 1), padding=(1, 0)))
    return Residual(scale, [c(1792, 192, 1), column], nn.Conv2d(384, 1792, 1), activate)


class InceptionResnetV1(nn.Module):
    """Inception-ResNet-v1 at 160x160, 512-d, with the layer names of facenet-pytorch (which a test of names needs)."""

    def __init__(self):
        super().__init__()
        c = ConvolutionWithNorm
        self.conv2d_1a = c(3, 32, 3, stride=2)
        self.conv2d_2a = c(32, 32, 3)
        self.conv2d_2b = c(32, 64, 3, padding=1)
        self.conv2d_3b = c(64, 80, 1)
        self.conv2d_4a = c(80, 192, 3)
        self.conv2d_4b = c(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*[block35() for _ in range(5)])
        self.mixed_6a = Reduction(
            [
                c(256, 384, 3, stride=2),
                nn.Sequential(c(256, 192, 1), c(192, 192, 3, padding=1), c(192, 256, 3, stride=2)),
            ]
        )
        self.repeat_2 = nn.Sequential(*[block17() for _ in range(10)])
        self.mixed_7a = Reduction(
            [
                nn.Sequential(c(896, 256, 1), c(256, 384, 3, stride=2)),
                nn.Sequential(c(896, 256, 1), c(256, 256, 3, stride=2)),
                nn.Sequential(c(896, 256, 1), c(256, 256, 3, padding=1), c(256, 256, 3, stride=2)),
            ]
        )
        self.repeat_3 = nn.Sequential(*[block8(0.20) for _ in range(5)])
        self.block8 = block8(1.0, activate=False)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=BN_EPSILON, momentum=1.0)
        # The classifier of the training, which an embedding does without.
        self.logits = nn.Linear(512, 10)

    def forward(self, x):
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = functional.max_pool2d(x, 3, 2)
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x)))
        x = self.mixed_7a(self.repeat_2(self.mixed_6a(self.repeat_1(x))))
        x = self.block8(self.repeat_3(x))
        x = self.last_bn(self.last_linear(x.mean((2, 3))))
        return functional.normalize(x)


def facenet(folder):
    torch.manual_seed(11)
    network = InceptionResnetV1()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.3, 0.3)
        # One pass in training mode fills the running statistics with those of its batch, so that no layer dies or explodes.
        network.train()
        network(torch.rand(4, 3, 160, 160) * 2 - 1)
        network.eval()
        torch.save(network.state_dict(), os.path.join(folder, "facenet.pt"))

        x = torch.rand(2, 3, 160, 160) * 2 - 1
        numpy.save(os.path.join(folder, "input.npy"), x.permute(0, 2, 3, 1).contiguous().numpy())
        numpy.save(os.path.join(folder, "embedding.npy"), network(x).numpy())

        # Every layer alone: one position of its convolution, before the activation.
        layers = {}

        def record(name, convolution, after):
            height, width = convolution.kernel_size
            patch = torch.randn(1, convolution.in_channels, height, width)
            y = functional.conv2d(patch, convolution.weight, convolution.bias)
            layers[f"{name}/input"] = patch
            layers[f"{name}/output"] = after(y).reshape(-1)

        for name, module in network.named_modules():
            if isinstance(module, ConvolutionWithNorm):
                record(name, module.conv, module.bn)
            elif isinstance(module, Residual):
                record(f"{name}.conv2d", module.conv2d, lambda y, scale=module.scale: y * scale)
        x = torch.randn(1, 1792)
        layers["last_linear/input"] = x
        layers["last_linear/output"] = network.last_bn(network.last_linear(x)).reshape(-1)
        torch.save(layers, os.path.join(folder, "layers.pt"))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("fixture", "facenet"):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    os.makedirs(sys.argv[2], exist_ok=True)
    {"fixture": fixture, "facenet": facenet}[sys.argv[1]](sys.argv[2])
    print(f"torch {torch.__version__} wrote {sys.argv[2]}")
