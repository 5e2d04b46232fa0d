"""A fitted forecaster as a model of other runtimes: ONNX, TensorFlow's SavedModel, LiteRT.

The mathematics  `pipeline_graph`, `quantiles`: parts of a pipeline write themselves in operations, of NumPy's names
The operations   `onnx_ops` as nodes of ONNX; ``keras.ops`` on TensorFlow
What is written  `plan`: what goes in and comes out, and what can't be exported; `onnx_file`, `tensorflow_files`
The method       `exported`
"""

from __future__ import annotations

from tscnn.exporting.exported import ExportedModel

__all__ = ["ExportedModel"]
