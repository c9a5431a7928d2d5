"""Inference of shapes by each engine."""


def inference_of(engine):
    if engine == "torch":
        from densefit.engine.torch.inference import TorchInference

        return TorchInference()
    from densefit.engine.mxnet.graph.inference import MXNetInference

    return MXNetInference()
