"""Settings that make each built-in backbone small, and one backbone of each kind."""

NARROW = {
    **{f"resnet{depth}": {"width": 4} for depth in (18, 34, 50, 101, 152)},
    **{f"resnet{depth}d": {"width": 4} for depth in (18, 34, 50, 101, 152)},
    **{f"resnet{depth}_v2": {"width": 4} for depth in (18, 34, 50, 101, 152)},
    "resnext50_32x4d": {"width": 16},
    "resnext101_32x8d": {"width": 16},
    "vgg16": {"width": 4},
    "vgg16_bn": {"width": 4, "reduced": True},
    "mobilenetv2": {"multiplier": 0.25},
    "mobilenetv3_small": {"multiplier": 0.25},
    "mobilenetv3_large": {"multiplier": 0.25},
    **{f"efficientnet_b{number}": {"multiplier": 0.25} for number in range(4)},
    **{f"efficientnet_lite{number}": {"multiplier": 0.25} for number in range(3)},
    "regnety_400mf": {"multiplier": 0.25},
    "convnext_tiny": {"width": 4},
    "darknet53": {"width": 4},
    "cspdarknet_s": {"width": 4},
    "ddrnet23_slim": {"width": 4},
    "hrnet_w18": {"width": 2, "stem": 4},
}

#: The others differ from these in numbers of layers and channels alone.
KINDS = [
    "resnet18",
    "resnet50",
    "resnet50d",
    "resnet50_v2",
    "resnext50_32x4d",
    "vgg16",
    "vgg16_bn",
    "mobilenetv2",
    "mobilenetv3_small",
    "efficientnet_b0",
    "efficientnet_lite0",
    "regnety_400mf",
    "convnext_tiny",
    "darknet53",
    "cspdarknet_s",
    "hrnet_w18",
    "ddrnet23_slim",
]
