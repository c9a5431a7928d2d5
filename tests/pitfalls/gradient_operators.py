"""How to call each of MXNet's operators with small inputs, for `gradient_scan.py`.

Operators are named as a Symbol's JSON names them; aliases are left out.
"""

MAP, SQUARE, STACK, ROW = (2, 4, 4, 4), (4, 4), (2, 4, 4), (4,)

#: Values of required settings.
REQUIRED = {
    "a_max": 0.7, "a_min": 0.3, "act_type": "relu", "axis": 1, "begin": (0,), "block_size": 2,
    "depth": 3, "dtype": "float32", "end": (1,), "heads": 2, "input_dim": 5, "kernel": (3, 3),
    "mode": "constant", "newshape": (-1,), "nsize": 3, "num_filter": 4, "num_hidden": 3,
    "num_args": 2, "num_outputs": 2, "output_dim": 3, "pad_width": (0, 0, 0, 0, 1, 1, 1, 1),
    "repeats": 2, "reps": (2, 1), "sample_type": "nearest", "scale": 2, "shape": (2, 2),
    "stride": (1, 1), "stype": "default",
}  # fmt: skip

_NORM = [MAP, ROW, ROW, ROW, ROW]
_ROIS = [0, 0.2, 0.2, 3.1, 3.2]
_LSTM = {"mode": "lstm", "state_size": 3, "num_layers": 1}

#: Operator, with a word for the variant behind # -> (settings, shapes of its inputs, special).
#: Special: {input: values} that get no gradient (class numbers, boxes...); "low", "high" of others.
CALLS = {
    "BatchNorm": ({"fix_gamma": 0}, _NORM, {3: "half", 4: "half"}),
    "BatchNorm_v1": ({"fix_gamma": 0}, _NORM, {3: "half", 4: "half"}),
    "_contrib_BatchNormWithReLU": ({"fix_gamma": 0}, _NORM, {3: "half", 4: "half"}),
    "_contrib_SyncBatchNorm": ({"fix_gamma": 0, "key": "k"}, _NORM, {3: "half", 4: "half"}),
    "BilinearSampler": ({}, [MAP, (2, 2, 3, 3)], {}),
    "CTCLoss": ({}, [(5, 2, 4), (2, 2)], {1: "ones"}),
    "Convolution": ({}, [MAP, (4, 4, 3, 3), ROW], {}),
    "Convolution#1x1": ({"kernel": (1, 1), "no_bias": 1}, [MAP, (4, 4, 1, 1)], {}),
    "Convolution#depthwise": ({"num_group": 4}, [MAP, (4, 1, 3, 3), ROW], {}),
    "Convolution#dilated": ({"dilate": (2, 2), "pad": (2, 2)}, [MAP, (4, 4, 3, 3), ROW], {}),
    "Convolution_v1": ({}, [MAP, (4, 4, 3, 3), ROW], {}),
    "Crop": ({"h_w": (2, 2), "num_args": 1}, [MAP], {}),
    # A weight that is no parameter is an error of oneDNN but in depthwise ones.
    "Deconvolution": ({}, [MAP, (4, 4, 3, 3)], {1: "half"}),
    "Deconvolution#depthwise": ({"num_group": 4}, [MAP, (4, 1, 3, 3)], {}),
    "Dropout": ({}, [MAP], {"linear": True}),
    "Embedding": ({}, [(3,), (5, 3)], {0: "ones"}),
    "FullyConnected": ({}, [SQUARE, (3, 4), (3,)], {}),
    "FullyConnected#rows": ({"flatten": 0}, [STACK, (3, 4), (3,)], {}),
    "GridGenerator": ({"transform_type": "affine", "target_shape": (4, 4)}, [(2, 6)], {}),
    "GridGenerator#warp": ({"transform_type": "warp"}, [(2, 2, 4, 4)], {}),
    "GroupNorm": ({"num_groups": 2}, [MAP, (2,), (2,)], {}),
    "IdentityAttachKLSparseReg": ({}, [SQUARE, ROW], {1: "half"}),
    "InstanceNorm": ({}, [MAP, ROW, ROW], {}),
    "LeakyReLU": ({}, [MAP], {"low": -1}),
    "LeakyReLU#elu": ({"act_type": "elu"}, [MAP], {"low": -1}),
    "LeakyReLU#gelu": ({"act_type": "gelu"}, [MAP], {"low": -1}),
    "LeakyReLU#prelu": ({"act_type": "prelu"}, [MAP, ROW], {"low": -1, 1: "half"}),
    "LeakyReLU#selu": ({"act_type": "selu"}, [MAP], {"low": -1}),
    "LinearRegressionOutput": ({}, [SQUARE, SQUARE], {1: "half"}),
    "LogisticRegressionOutput": ({}, [SQUARE, SQUARE], {1: "half"}),
    "MAERegressionOutput": ({}, [SQUARE, SQUARE], {1: "half"}),
    "Pooling": ({"kernel": (2, 2)}, [MAP], {}),
    "Pooling#avg": ({"kernel": (2, 2), "pool_type": "avg"}, [MAP], {}),
    "Pooling#global": ({"global_pool": 1, "pool_type": "avg"}, [MAP], {}),
    "Pooling#lp": ({"kernel": (2, 2), "pool_type": "lp", "p_value": 2}, [MAP], {}),
    "Pooling_v1": ({"kernel": (2, 2)}, [MAP], {}),
    "RNN": (_LSTM, [(5, 2, 4), (108,), (1, 2, 3), (1, 2, 3)], {}),
    "RNN#gru": ({**_LSTM, "mode": "gru"}, [(5, 2, 4), (81,), (1, 2, 3)], {}),
    "ROIPooling": ({"pooled_size": (2, 2), "spatial_scale": 1}, [MAP, (1, 5)], {1: _ROIS}),
    "Reshape": ({"shape": (-1,)}, [MAP], {}),
    "SVMOutput": ({}, [SQUARE, ROW], {1: "ones"}),
    "SequenceLast": ({}, [STACK], {}),
    "SequenceMask": ({}, [STACK], {}),
    "SequenceReverse": ({}, [STACK], {}),
    "SequenceMask#lengths": ({"use_sequence_length": 1}, [STACK, ROW], {1: "ones"}),
    "SoftmaxOutput": ({}, [SQUARE, ROW], {1: "ones"}),
    "SoftmaxOutput#maps": ({"multi_output": 1}, [MAP, STACK], {1: "ones"}),
    "SpatialTransformer": (
        {"transform_type": "affine", "sampler_type": "bilinear", "target_shape": (3, 3)},
        [MAP, (2, 6)], {},
    ),
    "UpSampling#bilinear": (
        {"sample_type": "bilinear", "num_filter": 4}, [MAP, (4, 1, 4, 4)], {}
    ),
    "_contrib_BilinearResize2D": ({"height": 6, "width": 7}, [MAP], {}),
    "_contrib_DeformableConvolution": ({}, [MAP, (2, 18, 2, 2), (4, 4, 3, 3), ROW], {}),
    "_contrib_DeformablePSROIPooling": (
        {"group_size": 1, "pooled_size": 2, "spatial_scale": 1, "output_dim": 4, "no_trans": 1},
        [MAP, (1, 5)], {1: _ROIS},
    ),
    "_contrib_PSROIPooling": (
        {"pooled_size": 2, "group_size": 2, "spatial_scale": 1, "output_dim": 1},
        [MAP, (1, 5)], {1: _ROIS},
    ),
    "_contrib_ROIAlign": ({"pooled_size": (2, 2), "spatial_scale": 1}, [MAP, (1, 5)], {1: _ROIS}),
    "_contrib_boolean_mask": ({}, [SQUARE, ROW], {1: "ones"}),
    "_contrib_index_copy": ({}, [SQUARE, (1,), (1, 4)], {1: "ones"}),
    "_contrib_interleaved_matmul_encdec_qk": ({}, [(3, 2, 8), (4, 2, 16)], {}),
    "_contrib_interleaved_matmul_encdec_valatt": ({}, [(4, 2, 16), (4, 3, 4)], {}),
    "_contrib_interleaved_matmul_selfatt_qk": ({}, [(4, 2, 24)], {}),
    "_contrib_interleaved_matmul_selfatt_valatt": ({}, [(4, 2, 24), (4, 4, 4)], {}),
    "_contrib_quadratic": ({"a": 1, "b": 2}, [MAP], {}),
    "_linalg_maketrian": ({}, [(2, 6)], {}),
    "_contrib_RROIAlign": ({"pooled_size": (2, 2), "spatial_scale": 1}, [MAP, (1, 6)], {1: 1}),
    "_linalg_potrf": ({}, [SQUARE], {"positive": True}),
    "_maximum_scalar": ({"scalar": 0.5}, [MAP], {}),
    "_np_roll": ({"shift": (1,)}, [SQUARE], {}),
    "_npi_arccosh": ({}, [MAP], {"low": 1.1, "high": 2}),
    "_npi_broadcast_to": ({"shape": (3, 4)}, [(1, 4)], {}),
    "_npi_cholesky": ({}, [SQUARE], {"positive": True}),
    "_npi_dsplit": ({"indices": (0, 1), "axis": 2}, [STACK], {}),
    "_npi_ediff1d": ({}, [ROW], {}),
    "_npi_einsum": ({"subscripts": "ij,jk->ik"}, [SQUARE, SQUARE], {}),
    "_npi_hsplit": ({"indices": (0, 1), "axis": 1}, [SQUARE], {}),
    "_npi_maximum_scalar": ({"scalar": 0.5}, [MAP], {}),
    "_npi_pinv_scalar_rcond": ({}, [SQUARE], {}),
    "_npi_rot90": ({"k": 1, "axes": (0, 1)}, [SQUARE], {}),
    "_npi_rpower_scalar": ({"scalar": 2}, [MAP], {}),
    "_npi_sort": ({"axis": -1}, [SQUARE], {}),
    "_npi_split": ({"indices": (0, 1), "axis": 1}, [SQUARE], {}),
    "_npi_std": ({"axis": (1,)}, [SQUARE], {}),
    "_npi_take": ({}, [SQUARE, (2,)], {1: "ones"}),
    "_npi_tensordot": ({"a_axes_summed": (1,), "b_axes_summed": (0,)}, [SQUARE, SQUARE], {}),
    "_npi_tensordot_int_axes": ({"axes": 1}, [SQUARE, SQUARE], {}),
    "_npi_tensorinv": ({"ind": 1}, [SQUARE], {}),
    "_npi_tensorsolve": ({}, [SQUARE, ROW], {}),
    "_npi_var": ({"axis": (1,)}, [SQUARE], {}),
    "_npi_where": ({}, [SQUARE] * 3, {0: "ones"}),
    "_rpower_scalar": ({"scalar": 2}, [MAP], {}),
    "_scatter_set_nd": ({"shape": (4, 4)}, [SQUARE, (2,), (2, 2)], {2: "ones"}),
    "_slice_assign": ({}, [SQUARE, (1, 4)], {}),
    "_split_v2": ({"indices": (0, 1)}, [SQUARE], {}),
    "arccosh": ({}, [MAP], {"low": 1.1, "high": 2}),
    "broadcast_like": ({}, [(1, 4), (3, 4)], {1: "ones"}),
    "broadcast_to": ({"shape": (3, 4)}, [(1, 4)], {}),
    "col2im": ({"output_size": (4, 4)}, [(2, 36, 4)], {}),
    "depth_to_space": ({}, [MAP], {}),
    "gather_nd": ({}, [SQUARE, (1, 2)], {1: "ones"}),
    "mean#axis": ({"axis": (1,)}, [MAP], {}),
    "moments": ({"axes": (1,)}, [SQUARE], {}),
    "pick": ({"axis": 1}, [SQUARE, ROW], {1: "ones"}),
    "scatter_nd": ({"shape": (4, 4)}, [(2,), (2, 2)], {1: "ones"}),
    "slice_axis": ({"axis": 1, "begin": 0, "end": 2}, [MAP], {}),
    "slice_like": ({}, [SQUARE, (3, 3)], {1: "ones"}),
    "softmax": ({}, [MAP], {}),
    "softmax_cross_entropy": ({}, [SQUARE, ROW], {1: "ones"}),
    "sort": ({"axis": -1}, [SQUARE], {}),
    "take": ({}, [SQUARE, (2,)], {1: "ones"}),
    "topk": ({"ret_typ": "value", "k": 2}, [SQUARE], {}),
    "where": ({}, [SQUARE] * 3, {0: "ones"}),
}  # fmt: skip

#: Shape of all inputs -> operators that can be called with it and REQUIRED alone.
ALIKE = {
    MAP: """
        Activation BlockGrad Cast Concat Correlation Flatten L2Normalization LRN MakeLoss Pad
        SliceChannel SoftmaxActivation SwapAxis _contrib_AdaptiveAvgPooling2D
        _contrib_MultiBoxPrior _contrib_arange_like _contrib_box_iou _contrib_div_sqrt_dim
        _contrib_gradientmultiplier _contrib_index_array _contrib_round_ste _contrib_sign_ste _copy
        _div_scalar _equal _equal_scalar _greater _greater_equal _greater_equal_scalar
        _greater_scalar _hypot _hypot_scalar _identity_with_attr_like_rhs _image_to_tensor _lesser
        _lesser_equal _lesser_equal_scalar _lesser_scalar _linalg_det _linalg_extractdiag
        _linalg_extracttrian _linalg_gelqf _linalg_gemm _linalg_gemm2 _linalg_inverse
        _linalg_makediag _linalg_potri _linalg_slogdet _linalg_sumlogdiag _linalg_syevd
        _linalg_syrk _linalg_trmm _linalg_trsm _logical_and _logical_and_scalar _logical_or
        _logical_or_scalar _logical_xor _logical_xor_scalar _maximum _minimum _minimum_scalar
        _minus_scalar _mod _mod_scalar _mul_scalar _not_equal _not_equal_scalar _np_all _np_any
        _np_atleast_1d _np_atleast_2d _np_atleast_3d _np_copy _np_cumsum _np_diagflat _np_diagonal
        _np_dot _np_max _np_min _np_prod _np_reshape _np_squeeze _np_sum _np_trace _np_transpose
        _npi_absolute _npi_add _npi_add_scalar _npi_arccos _npi_arcsin _npi_arcsinh _npi_arctan
        _npi_arctan2 _npi_arctan2_scalar _npi_arctanh _npi_argmax _npi_argmin _npi_around
        _npi_average _npi_cbrt _npi_ceil _npi_column_stack _npi_concatenate _npi_copysign _npi_cos
        _npi_cosh _npi_degrees _npi_diff _npi_eigh _npi_eigvalsh _npi_equal _npi_equal_scalar
        _npi_exp _npi_expm1 _npi_fix _npi_flip _npi_floor _npi_greater _npi_greater_equal
        _npi_greater_equal_scalar _npi_greater_scalar _npi_hypot _npi_isfinite _npi_isinf
        _npi_isnan _npi_isneginf _npi_isposinf _npi_ldexp _npi_ldexp_scalar _npi_less
        _npi_less_equal _npi_less_equal_scalar _npi_less_scalar _npi_log _npi_log10 _npi_log1p
        _npi_log2 _npi_logical_not _npi_matmul _npi_mean _npi_mod _npi_mod_scalar _npi_multiply
        _npi_multiply_scalar _npi_nan_to_num _npi_negative _npi_norm _npi_not_equal
        _npi_not_equal_scalar _npi_power _npi_power_scalar _npi_powerd _npi_radians
        _npi_rarctan2_scalar _npi_reciprocal _npi_rint _npi_rldexp_scalar _npi_rmod_scalar
        _npi_rsubtract_scalar _npi_rtrue_divide_scalar _npi_sign _npi_sin _npi_sinh _npi_solve
        _npi_sqrt _npi_square _npi_stack _npi_subtract _npi_subtract_scalar _npi_svd _npi_tan
        _npi_tanh _npi_tril _npi_true_divide _npi_true_divide_scalar _npi_trunc _npi_unique
        _npi_vstack _npi_where_lscalar _npi_where_rscalar _npi_where_scalar2 _npx_nonzero _npx_relu
        _npx_reshape _npx_sigmoid _plus_scalar _power _power_scalar _random_exponential_like
        _random_gamma_like _random_generalized_negative_binomial_like
        _random_negative_binomial_like _random_normal_like _random_pdf_dirichlet
        _random_pdf_exponential _random_pdf_gamma _random_pdf_generalized_negative_binomial
        _random_pdf_negative_binomial _random_pdf_normal _random_pdf_poisson _random_pdf_uniform
        _random_poisson_like _random_uniform_like _rdiv_scalar _rminus_scalar _rmod_scalar
        _rnn_param_concat _sample_exponential _sample_gamma _sample_generalized_negative_binomial
        _sample_multinomial _sample_negative_binomial _sample_normal _sample_poisson
        _sample_uniform _scatter_elemwise_div _scatter_minus_scalar _scatter_plus_scalar abs add_n
        amp_cast arccos arcsin arcsinh arctan arctanh argmax argmin argsort batch_dot broadcast_add
        broadcast_axis broadcast_div broadcast_equal broadcast_greater broadcast_greater_equal
        broadcast_hypot broadcast_lesser broadcast_lesser_equal broadcast_logical_and
        broadcast_logical_or broadcast_logical_xor broadcast_maximum broadcast_minimum
        broadcast_mod broadcast_mul broadcast_not_equal broadcast_power broadcast_sub cast_storage
        cbrt ceil clip cos cosh degrees diag elemwise_add elemwise_div elemwise_mul elemwise_sub
        erf erfinv exp expand_dims expm1 fix floor gamma gammaln hard_sigmoid im2col log log10
        log1p log2 log_softmax logical_not make_loss max min nanprod nansum negative norm one_hot
        ones_like prod radians rcbrt reciprocal relu repeat reshape_like reverse rint round rsqrt
        shape_array sigmoid sign sin sinh size_array slice smooth_l1 softmin softsign
        space_to_depth sqrt square squeeze stack sum tan tanh tile transpose trunc zeros_like
    """,
    SQUARE: """
        _np_diag _npi_diag_indices_from dot
    """,
    ROW: """
        LayerNorm _npi_pad _npi_percentile _npi_polyval
    """,
}

#: Why operators are not tried -> their names, or parts of names behind *.
UNTRIED = {
    "update parameters": "*_update *multi_lars",
    "compute with 8-bit integers": "*quantize",
    "stand in fused inference graphs": "*_sg_mkldnn",
    "read or change pictures on the host": "*_cv *_imdecode",
    "sample graphs of sparse matrices": "*_dgl",
    "hold graphs of their own": "*_foreach *_while_loop *_cond *_CachedOp",
    "are the user's": "*Custom *_NDArray *_Native",
    "stand between devices": "*_CrossDeviceCopy",
    "change their inputs": "*reset_arrays",
    "have no gradient": """
        _NoGradient _arange _contrib_MultiBoxDetection _contrib_MultiBoxTarget
        _contrib_MultiProposal _contrib_Proposal _contrib_RROIAlign _contrib_allclose
        _contrib_bipartite_matching _contrib_calibrate_entropy _contrib_edge_id _contrib_getnnz
        _copyto _eye _full _grad_add _histogram _linspace _npi_arange _npi_bernoulli _npi_bincount
        _npi_bitwise_and _npi_bitwise_and_scalar _npi_bitwise_not _npi_bitwise_or
        _npi_bitwise_or_scalar _npi_bitwise_xor _npi_bitwise_xor_scalar _npi_blackman _npi_choice
        _npi_delete _npi_eig _npi_eigvals _npi_eye _npi_full_like _npi_gamma _npi_hamming
        _npi_hanning _npi_identity _npi_indices _npi_insert_scalar _npi_lcm _npi_lcm_scalar
        _npi_logspace _npi_multinomial _npi_normal _npi_ones _npi_random_randint _npi_share_memory
        _npi_uniform _npi_uniform_n _npi_zeros _npx_constraint_check _onehot_encode _ones
        _random_exponential _random_gamma _random_generalized_negative_binomial
        _random_negative_binomial _random_normal _random_poisson _random_uniform _ravel_multi_index
        _sample_unique_zipfian _scatter_set_nd _set_value _shuffle _slice_assign
        _slice_assign_scalar _unravel_index _zeros _zeros_without_dtype all_finite argmax_channel
        batch_take fill_element_0index khatri_rao multi_all_finite multi_sum_sq
    """,
    "are for GPUs": """
        _contrib_ModulatedDeformableConvolution _contrib_count_sketch _contrib_fft _contrib_ifft
    """,
    "transform pictures of (height, width, channels) or bytes": """
        _image_adjust_lighting _image_crop _image_flip_left_right _image_flip_top_bottom
        _image_normalize _image_random_brightness _image_random_color_jitter _image_random_contrast
        _image_random_flip_left_right _image_random_flip_top_bottom _image_random_hue
        _image_random_lighting _image_random_saturation _image_resize
    """,
    "draw numbers": """
        _npi_exponential _npi_gumbel _npi_logistic _npi_normal_n _npi_pareto _npi_rayleigh
        _npi_weibull
    """,
    "take sparse arrays only": """
        _contrib_SparseEmbedding _sparse_retain _square_sum
    """,
    "MXNet refuses in every Symbol that was tried": """
        _contrib_hawkesll _np_moveaxis _npi_boolean_mask_assign_scalar
        _npi_boolean_mask_assign_tensor _npi_copysign_scalar _npi_dstack _npi_hstack
        _npi_insert_slice _npi_insert_tensor _npi_pinv _npi_rcopysign_scalar amp_multicast
    """,
    "post-process or encode boxes": """
        _contrib_box_decode _contrib_box_encode _contrib_box_nms
    """,
}
