"""Calls of operators: (function in MXNet's `sym`, shapes of its inputs, settings)."""

N = (2, 3)
IMAGE = (2, 6, 9, 8)
UNARY = (
    "abs arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh degrees erf erfinv exp "
    "expm1 fix floor gamma gammaln hard_sigmoid log log10 log1p log2 logical_not make_loss radians "
    "rcbrt reciprocal relu rint round rsqrt sigmoid sign sin sinh softsign sqrt square tan tanh "
    "trunc zeros_like ones_like BlockGrad stop_gradient identity MakeLoss Dropout LRN "
    "SoftmaxActivation softmax log_softmax softmin L2Normalization Flatten shape_array size_array "
    "cumsum argmax_channel"
).split()
SCALAR = (
    "_plus_scalar _minus_scalar _rminus_scalar _mul_scalar _div_scalar _rdiv_scalar _mod_scalar "
    "_rmod_scalar _power_scalar _rpower_scalar _equal_scalar _not_equal_scalar _greater_scalar "
    "_greater_equal_scalar _lesser_scalar _lesser_equal_scalar _maximum_scalar _minimum_scalar "
    "_hypot_scalar smooth_l1 _logical_and_scalar _logical_or_scalar _logical_xor_scalar"
).split()
BINARY = (
    "elemwise_add elemwise_sub elemwise_mul elemwise_div _mod _power _maximum _minimum _hypot "
    "_equal _not_equal _greater _greater_equal _lesser _lesser_equal _logical_and _logical_or "
    "_logical_xor _grad_add"
).split()
BROADCAST = (
    "add sub mul div mod power maximum minimum hypot equal not_equal greater greater_equal lesser "
    "lesser_equal logical_and logical_or logical_xor plus minus"
).split()
REDUCE = "sum mean prod nansum nanprod max min sum_axis max_axis min_axis".split()

CASES = [
    *[(name, [IMAGE], {}) for name in UNARY if name != "LRN"],
    ("LRN", [IMAGE], {"nsize": 3}),
    *[(f"_internal.{name}", [N], {"scalar": 2}) for name in SCALAR if name[0] == "_"],
    *[(name if name[0] != "_" else f"_internal.{name}", [N, N], {}) for name in BINARY],
    *[
        (f"broadcast_{name}", shapes, {})
        for name in BROADCAST
        for shapes in ([(2, 1, 4), (2, 3, 1)], [(2, 3, 4), (3, 1)], [N, N], [N, (2, 4)])
    ],
    *[
        (name, [(2, 3, 4)], settings)
        for name in REDUCE
        for settings in (
            {},
            {"axis": 1},
            {"axis": (0, 2), "keepdims": True},
            {"axis": -1},
            {"axis": 1, "exclude": True},
            {"axis": ()},
            {"axis": 3},
        )
    ],
    *[("norm", [(2, 3, 4)], s) for s in ({}, {"axis": 1}, {"axis": (0, 1), "keepdims": True})],
    *[
        (name, [(2, 3, 4)], settings)
        for name in ("argmax", "argmin")
        for settings in ({}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"keepdims": True})
    ],
    ("moments", [(2, 3, 4)], {"axes": (0, 2)}),
    ("moments", [(2, 3, 4)], {"axes": (1,), "keepdims": True}),
    *[
        ("topk", [(2, 5)], {"k": 3, "ret_typ": kind})
        for kind in ("value", "indices", "both", "mask")
    ],
    ("topk", [(2, 5)], {"k": 3, "axis": 0}),
    ("topk", [(2, 5)], {"k": 3, "axis": None, "ret_typ": "both"}),
    ("sort", [(2, 5)], {"axis": 0}),
    ("sort", [(2, 5)], {"axis": None}),
    ("argsort", [(2, 5)], {"is_ascend": False}),
    ("argsort", [(2, 5)], {"axis": None}),
    ("pick", [(2, 5), (2,)], {}),
    ("pick", [(2, 5, 3), (2, 3)], {"axis": 1, "keepdims": True}),
    ("pick", [(2, 5, 3), (2, 1, 3)], {"axis": 1}),
    ("softmax", [(2, 5), (2,)], {"use_length": True, "dtype": "float64"}),
    ("softmax_cross_entropy", [(2, 5), (2,)], {}),
    ("clip", [N], {"a_min": 0, "a_max": 1}),
    ("Cast", [N], {"dtype": "float16"}),
    ("cast", [N], {"dtype": "int32"}),
    ("amp_cast", [N], {"dtype": "float16"}),
    ("amp_multicast", [N, (4,)], {"num_outputs": 2}),
    ("Activation", [N], {"act_type": "relu"}),
    ("add_n", [N, N, N], {}),
    ("ElementWiseSum", [N, N], {}),
    ("where", [N, N, N], {}),
    ("where", [(2,), N, N], {}),
    ("broadcast_to", [(2, 1, 4)], {"shape": (0, 3, 4)}),
    ("broadcast_to", [(2, 1, 4)], {"shape": (2, 3, 5)}),
    ("broadcast_like", [(2, 1), (2, 3)], {}),
    ("broadcast_like", [(2, 1, 1), (5, 3)], {"lhs_axes": (1,), "rhs_axes": (0,)}),
    ("broadcast_axis", [(2, 1, 1)], {"axis": (1, 2), "size": (3, 4)}),
    ("broadcast_axes", [(2, 1, 1)], {"axis": 1, "size": 3}),
    *[
        ("reshape", [(2, 3, 4, 5)], {"shape": shape})
        for shape in (
            (0, -1),
            (-1,),
            (0, 0, -1),
            (-3, -2),
            (-3, -3),
            (0, -4, 3, 1, -2),
            (-2,),
            (2, 3, 20),
            (-4, 1, 2, -2),
            (-4, -1, 2, -2),
            (0, 0, -3),
            (0, -2),
            (5, 24),
            (5, 25),
            (-1, -1),
            (0, -1, 1, 5),
            (-2, 1, 1),
            (2, 3, 4, 5),
            (0, 0, 0, 0, 0),
            (-1, 0),
            (-4, 3, 2, -2),
        )
    ],
    ("reshape", [(10, 5, 4)], {"shape": (-1, 0), "reverse": True}),
    ("reshape", [(10, 5, 4)], {"shape": (0, -3), "reverse": True}),
    ("reshape", [(10, 5, 4)], {"shape": (-2, -4, 2, 2), "reverse": True}),
    ("reshape", [(10, 5, 4)], {"shape": (-4, 2, -1, 0, 0), "reverse": True}),
    ("Reshape", [(10, 5, 4)], {"target_shape": (0, 20)}),
    ("Reshape", [(10, 5, 4)], {"target_shape": (5, 0), "keep_highest": True}),
    ("reshape_like", [(2, 6), (3, 4)], {}),
    (
        "reshape_like",
        [(30, 7), (15, 2, 4)],
        {"lhs_begin": 0, "lhs_end": 1, "rhs_begin": 0, "rhs_end": 2},
    ),
    (
        "reshape_like",
        [(7, 30), (15, 2, 4)],
        {"lhs_begin": -1, "lhs_end": None, "rhs_begin": 0, "rhs_end": -1},
    ),
    *[("expand_dims", [N], {"axis": axis}) for axis in (0, 1, 2, -1, -2, 5)],
    ("squeeze", [(2, 1, 3, 1)], {}),
    ("squeeze", [(2, 1, 3, 1)], {"axis": 1}),
    ("squeeze", [(2, 1, 3, 1)], {"axis": (1, -1)}),
    ("squeeze", [(2, 1, 3, 1)], {"axis": 0}),
    ("squeeze", [(1, 1)], {}),
    ("transpose", [(2, 3, 4)], {}),
    ("transpose", [(2, 3, 4)], {"axes": (1, 0, 2)}),
    ("transpose", [(2, 3, 4)], {"axes": (0, -1, 1)}),
    ("transpose", [(2, 3, 4)], {"axes": (0, 1)}),
    ("SwapAxis", [(2, 3, 4)], {"dim1": 0, "dim2": 2}),
    ("swapaxes", [(2, 3, 4)], {"dim1": 1, "dim2": 2}),
    ("flip", [(2, 3)], {"axis": 1}),
    ("reverse", [(2, 3)], {"axis": (0, 1)}),
    ("depth_to_space", [(2, 8, 3, 4)], {"block_size": 2}),
    ("space_to_depth", [(2, 3, 4, 6)], {"block_size": 2}),
    ("im2col", [(2, 3, 9, 8)], {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)}),
    ("Concat", [(2, 3), (2, 4)], {"dim": 1}),
    ("concat", [(2, 3), (2, 4), (2, 1)], {"dim": -1}),
    ("concat", [(2, 3), (3, 4)], {"dim": 1}),
    ("concat", [(2, 3)], {"dim": 0}),
    ("stack", [N, N], {"axis": 1}),
    ("stack", [N, N, N], {"axis": -1}),
    ("SliceChannel", [(2, 6)], {"num_outputs": 3}),
    ("split", [(2, 6)], {"num_outputs": 2, "axis": 0, "squeeze_axis": True}),
    ("split", [(2, 6)], {"num_outputs": 1}),
    ("split", [(2, 6)], {"num_outputs": 4}),
    ("slice", [(4, 6)], {"begin": (1, None), "end": (3, 4)}),
    ("slice", [(4, 6)], {"begin": (-1, 0), "end": (0, 6), "step": (-1, 2)}),
    ("slice", [(4, 6, 2)], {"begin": (1,), "end": (-1,)}),
    ("slice", [(4, 6)], {"begin": (3,), "end": (2,)}),
    ("slice_axis", [(4, 6)], {"axis": 1, "begin": 1, "end": None}),
    ("slice_axis", [(4, 6)], {"axis": -1, "begin": -3, "end": -1}),
    ("slice_axis", [(4, 6)], {"axis": 0, "begin": 0, "end": 3}),
    ("slice_like", [(4, 6), (2, 3)], {}),
    ("slice_like", [(4, 6), (2, 3)], {"axes": (0,)}),
    ("slice_like", [(4, 6, 5), (2, 3)], {"axes": (-3, 1)}),
    ("Crop", [(2, 3, 9, 8)], {"h_w": (4, 5), "num_args": 1}),
    ("Crop", [(2, 3, 9, 8), (2, 1, 5, 5)], {"offset": (1, 1)}),
    ("tile", [(2, 3)], {"reps": (2, 2)}),
    ("tile", [(2, 3)], {"reps": (2, 1, 3)}),
    ("tile", [(2, 3)], {"reps": (4,)}),
    ("repeat", [(2, 3)], {"repeats": 2, "axis": 1}),
    ("repeat", [(2, 3)], {"repeats": 2}),
    ("pad", [(2, 3, 4, 5)], {"mode": "edge", "pad_width": (0, 0, 0, 0, 1, 2, 3, 4)}),
    ("Pad", [(2, 3, 4, 5)], {"mode": "constant", "pad_width": (0, 0, 0, 0, 1, 1, 1, 1)}),
    ("diag", [(3, 4)], {}),
    ("diag", [(3, 4)], {"k": 2}),
    ("diag", [(3, 4)], {"k": -1}),
    ("diag", [(4,)], {"k": 1}),
    ("diag", [(2, 3, 4)], {"axis1": 0, "axis2": 2}),
    ("_internal._arange", [], {"start": 1, "stop": 10, "step": 3}),
    ("_internal._arange", [], {"start": 5, "repeat": 2}),
    ("_internal._arange", [], {"start": 0, "stop": 1, "step": 0.3}),
    ("_internal._eye", [], {"N": 3}),
    ("_internal._eye", [], {"N": 3, "M": 4, "k": 1}),
    ("_internal._zeros", [], {"shape": (2, 3)}),
    ("_internal._ones", [], {"shape": (2, 3), "dtype": "int32"}),
    ("_internal._full", [], {"shape": (2, 3), "value": 2.5}),
    ("contrib.arange_like", [(2, 3)], {}),
    ("contrib.arange_like", [(2, 3)], {"axis": 1}),
    ("take", [(4, 5), (2, 3)], {}),
    ("take", [(4, 5), (2, 3)], {"axis": 1, "mode": "clip"}),
    ("Embedding", [(2, 3), (10, 4)], {"input_dim": 10, "output_dim": 4}),
    ("batch_take", [(2, 3), (2,)], {}),
    ("gather_nd", [(4, 5, 6), (2, 3)], {}),
    ("gather_nd", [(4, 5), (2, 3, 7)], {}),
    ("scatter_nd", [(3,), (2, 3)], {"shape": (4, 5)}),
    ("one_hot", [(2, 3)], {"depth": 5}),
    ("dot", [(2, 3), (3, 4)], {}),
    ("dot", [(3, 2), (4, 3)], {"transpose_a": True, "transpose_b": True}),
    ("dot", [(2, 3, 4), (4, 5)], {}),
    ("dot", [(3,), (3,)], {}),
    ("dot", [(2, 3), (4, 5)], {}),
    ("batch_dot", [(2, 3, 4), (2, 4, 5)], {}),
    ("batch_dot", [(2, 4, 3), (2, 5, 4)], {"transpose_a": True, "transpose_b": True}),
    ("batch_dot", [(2, 3, 4), (2, 5, 4)], {}),
    ("linalg.gemm", [(2, 3, 4), (2, 4, 5), (2, 3, 5)], {}),
    ("linalg.gemm2", [(2, 3, 4), (2, 4, 5)], {}),
    ("linalg.gemm2", [(3, 4), (3, 5)], {"transpose_a": True}),
    ("linalg.gemm2", [(4, 2, 3), (3, 2, 5)], {"axis": 0}),
    ("linalg.potrf", [(2, 3, 3)], {}),
    ("linalg.potri", [(2, 3, 3)], {}),
    ("linalg.trmm", [(3, 3), (3, 4)], {}),
    ("linalg.trsm", [(3, 3), (3, 4)], {}),
    ("linalg.syrk", [(3, 4)], {}),
    ("linalg.syrk", [(2, 3, 4)], {"transpose": True}),
    ("linalg.sumlogdiag", [(2, 3, 3)], {}),
    ("linalg.det", [(2, 3, 3)], {}),
    ("linalg.slogdet", [(2, 3, 3)], {}),
    ("linalg.inverse", [(2, 3, 3)], {}),
    ("linalg.extractdiag", [(2, 3, 3)], {"offset": 1}),
    ("linalg.makediag", [(2, 3)], {"offset": -1}),
    ("linalg.extracttrian", [(2, 3, 3)], {}),
    ("linalg.extracttrian", [(2, 3, 3)], {"offset": 1}),
    ("linalg.extracttrian", [(2, 3, 3)], {"offset": -1, "lower": False}),
    ("linalg.maketrian", [(2, 6)], {}),
    ("linalg.maketrian", [(2, 6)], {"offset": 1}),
    ("khatri_rao", [(2, 3), (4, 3)], {}),
    ("Convolution", [IMAGE], {"kernel": (3, 3), "num_filter": 4}),
    ("Convolution", [(2, 6, 9)], {"kernel": (3,), "num_filter": 4, "stride": 2, "pad": 1}),
    ("Convolution", [(2, 6, 9, 8, 7)], {"kernel": (3, 3, 3), "num_filter": 4}),
    (
        "Convolution",
        [IMAGE],
        {"kernel": (3, 2), "num_filter": 4, "num_group": 2, "stride": (2, 1), "dilate": (2, 2)},
    ),
    ("Convolution", [IMAGE], {"kernel": (1, 1), "num_filter": 4, "no_bias": True}),
    ("Convolution", [IMAGE], {"kernel": (11, 3), "num_filter": 4}),
    ("Convolution", [IMAGE], {"kernel": (3, 3), "num_filter": 4, "num_group": 4}),
    ("Convolution", [(2, 9, 8, 6)], {"kernel": (3, 3), "num_filter": 4, "layout": "NHWC"}),
    ("Convolution_v1", [IMAGE], {"kernel": (3, 3), "num_filter": 4, "pad": (1, 1)}),
    (
        "Deconvolution",
        [IMAGE],
        {"kernel": (4, 4), "num_filter": 4, "stride": (2, 2), "pad": (1, 1)},
    ),
    (
        "Deconvolution",
        [IMAGE],
        {"kernel": (3, 3), "num_filter": 4, "stride": (2, 2), "adj": (1, 1), "no_bias": False},
    ),
    (
        "Deconvolution",
        [IMAGE],
        {"kernel": (3, 3), "num_filter": 4, "stride": (2, 2), "target_shape": (18, 16)},
    ),
    ("Deconvolution", [IMAGE], {"kernel": (3, 3), "num_filter": 4, "num_group": 2}),
    ("FullyConnected", [IMAGE], {"num_hidden": 4}),
    ("FullyConnected", [(2, 3, 4)], {"num_hidden": 4, "flatten": False, "no_bias": True}),
    *[
        (
            "Pooling",
            [IMAGE],
            {"kernel": (3, 3), "stride": (2, 2), "pool_type": kind, "pooling_convention": rule},
        )
        for kind in ("max", "avg", "sum")
        for rule in ("valid", "full")
    ],
    ("Pooling", [IMAGE], {"kernel": (3, 3), "pad": (1, 1), "stride": (2, 2)}),
    ("Pooling", [(2, 6, 9)], {"kernel": (2,), "stride": (2,), "pooling_convention": "same"}),
    ("Pooling", [IMAGE], {"global_pool": True, "pool_type": "avg"}),
    ("Pooling", [IMAGE], {"global_pool": True, "kernel": (7, 7)}),
    ("Pooling", [(2, 9, 8, 6)], {"kernel": (2, 2), "layout": "NHWC"}),
    ("Pooling", [IMAGE], {"kernel": (12, 2)}),
    ("Pooling", [IMAGE], {"kernel": (2, 2), "pool_type": "lp", "p_value": 2}),
    ("Pooling_v1", [IMAGE], {"kernel": (2, 2), "stride": (2, 2)}),
    ("UpSampling", [IMAGE], {"scale": 2, "sample_type": "nearest"}),
    ("UpSampling", [IMAGE, (2, 1, 9, 8)], {"scale": 2, "sample_type": "nearest"}),
    ("UpSampling", [IMAGE], {"scale": 2, "sample_type": "bilinear", "num_filter": 6}),
    ("BatchNorm", [IMAGE], {}),
    ("BatchNorm", [IMAGE], {"axis": -1, "output_mean_var": True, "fix_gamma": False}),
    ("BatchNorm", [(2, 5)], {"axis": 2}),
    ("BatchNorm_v1", [IMAGE], {}),
    ("contrib.SyncBatchNorm", [IMAGE], {"key": "bn"}),
    ("contrib.BatchNormWithReLU", [IMAGE], {}),
    ("InstanceNorm", [IMAGE], {}),
    ("LayerNorm", [IMAGE], {}),
    ("LayerNorm", [IMAGE], {"axis": 1, "output_mean_var": True}),
    ("GroupNorm", [IMAGE], {"num_groups": 3}),
    *[
        ("LeakyReLU", [IMAGE], {"act_type": kind})
        for kind in ("leaky", "prelu", "elu", "gelu", "rrelu")
    ],
    ("IdentityAttachKLSparseReg", [(2, 3)], {}),
    ("SoftmaxOutput", [(2, 5)], {}),
    ("Softmax", [(2, 5), (2, 5)], {}),
    ("SoftmaxOutput", [(2, 5, 3, 4)], {"multi_output": True}),
    ("SoftmaxOutput", [(2, 5, 3, 4), (2, 3, 4)], {"multi_output": True}),
    ("SoftmaxOutput", [(2, 5, 3, 4), (2, 1, 3, 4)], {"multi_output": True}),
    ("SoftmaxOutput", [(2, 5, 3, 4), (2, 4, 3)], {"multi_output": True}),
    ("SoftmaxOutput", [(2, 5, 3)], {"preserve_shape": True}),
    *[
        (f"{kind}RegressionOutput", shapes, {})
        for kind in ("Linear", "Logistic", "MAE")
        for shapes in ([(2, 5)], [(2, 1)], [(2, 1), (2, 1)], [(2, 5), (2, 4)], [(2,)])
    ],
    ("SVMOutput", [(2, 5)], {}),
    ("CTCLoss", [(7, 2, 5), (2, 4)], {}),
    ("contrib.CTCLoss", [(7, 2, 5), (2, 4), (2,)], {"use_data_lengths": True}),
    ("contrib.box_nms", [(2, 9, 6)], {}),
    ("contrib.box_iou", [(4, 4), (3, 4)], {}),
    ("contrib.bipartite_matching", [(2, 4, 3)], {"threshold": 0.5}),
    ("contrib.MultiBoxPrior", [IMAGE], {"sizes": (0.1, 0.2), "ratios": (1, 2, 0.5)}),
    ("contrib.MultiBoxTarget", [(1, 9, 4), (2, 3, 5), (2, 4, 9)], {}),
    ("contrib.MultiBoxDetection", [(2, 4, 9), (2, 36), (1, 9, 4)], {}),
    ("contrib.Proposal", [(1, 24, 4, 5), (1, 48, 4, 5), (1, 3)], {"rpn_post_nms_top_n": 30}),
    (
        "contrib.MultiProposal",
        [(2, 24, 4, 5), (2, 48, 4, 5), (2, 3)],
        {"rpn_post_nms_top_n": 30, "output_score": True},
    ),
    ("ROIPooling", [IMAGE, (7, 5)], {"pooled_size": (3, 4), "spatial_scale": 0.5}),
    ("contrib.ROIAlign", [IMAGE, (7, 5)], {"pooled_size": (3, 4), "spatial_scale": 0.5}),
    (
        "contrib.ROIAlign",
        [(2, 8, 5, 5), (7, 5)],
        {"pooled_size": (2, 2), "spatial_scale": 0.5, "position_sensitive": True},
    ),
    (
        "contrib.PSROIPooling",
        [(2, 8, 5, 5), (7, 5)],
        {"pooled_size": 2, "output_dim": 2, "spatial_scale": 0.5},
    ),
    (
        "contrib.DeformableConvolution",
        [IMAGE],
        {"kernel": (3, 3), "num_filter": 4, "pad": (1, 1)},
    ),
    ("contrib.BilinearResize2D", [IMAGE], {"height": 12, "width": 7}),
    ("contrib.BilinearResize2D", [IMAGE], {"scale_height": 2, "scale_width": 0.5}),
    ("contrib.BilinearResize2D", [IMAGE, (1, 1, 4, 5)], {"mode": "like"}),
    *[
        ("contrib.BilinearResize2D", [IMAGE], {"mode": mode})
        for mode in ("to_even_down", "to_even_up", "to_odd_down", "to_odd_up")
    ],
    (
        "contrib.BilinearResize2D",
        [IMAGE],
        {"mode": "odd_scale", "scale_height": 2, "scale_width": 2},
    ),
    ("contrib.AdaptiveAvgPooling2D", [IMAGE], {"output_size": 3}),
    ("contrib.AdaptiveAvgPooling2D", [IMAGE], {"output_size": (3, 4)}),
    ("contrib.AdaptiveAvgPooling2D", [IMAGE], {}),
    ("contrib.quadratic", [N], {"a": 1.0, "b": 2.0}),
    ("contrib.div_sqrt_dim", [N], {}),
    ("contrib.index_array", [N], {}),
    ("contrib.index_array", [(2, 3, 4)], {"axes": (0, 2)}),
    ("BilinearSampler", [IMAGE, (2, 2, 5, 4)], {}),
    ("GridGenerator", [(2, 6)], {"transform_type": "affine", "target_shape": (5, 4)}),
    ("GridGenerator", [(2, 2, 5, 4)], {"transform_type": "warp"}),
    (
        "SpatialTransformer",
        [IMAGE, (2, 6)],
        {"transform_type": "affine", "sampler_type": "bilinear", "target_shape": (5, 4)},
    ),
    ("Correlation", [IMAGE, IMAGE], {"max_displacement": 2, "pad_size": 2}),
    ("SequenceMask", [(7, 2, 3)], {}),
    ("SequenceMask", [(7, 2, 3), (2,)], {"use_sequence_length": True}),
    ("SequenceMask", [(2, 7, 3), (2,)], {"use_sequence_length": True, "axis": 1}),
    ("SequenceLast", [(7, 2, 3), (2,)], {"use_sequence_length": True}),
    ("SequenceLast", [(2, 7, 3)], {"axis": 1}),
    ("SequenceReverse", [(7, 2, 3)], {}),
    *[
        ("RNN", [(7, 2, 3)], {"state_size": 4, "num_layers": 2, "mode": mode, **settings})
        for mode in ("lstm", "gru", "rnn_tanh")
        for settings in ({}, {"bidirectional": True, "state_outputs": True})
    ],
    ("_internal._random_uniform", [], {"low": 0, "high": 1, "shape": (2, 3)}),
    ("_internal._random_normal", [], {"shape": (2, 3)}),
    ("_internal._sample_normal", [(2,), (2,)], {"shape": (3, 4)}),
    ("_internal._sample_multinomial", [(2, 5)], {"shape": (3,), "get_prob": True}),
    ("_internal._sample_multinomial", [(2, 5)], {}),
    ("_internal._shuffle", [N], {}),
    ("random.uniform_like", [N], {}),
    ("image.to_tensor", [(9, 8, 3)], {}),
    ("image.normalize", [(3, 9, 8)], {"mean": (0.5,), "std": (0.1,)}),
    ("image.resize", [(9, 8, 3)], {"size": (5, 4)}),
    ("image.resize", [(9, 8, 3)], {"size": 5, "keep_ratio": True}),
    ("image.crop", [(2, 9, 8, 3)], {"x": 1, "y": 2, "width": 3, "height": 4}),
    ("image.flip_left_right", [(9, 8, 3)], {}),
    ("multi_sum_sq", [N, N], {"num_arrays": 2}),
    ("all_finite", [N], {}),
    ("sparse.dot", [(2, 3), (3, 4)], {}),
]
