"""PyTorch: the modules of an ``nn.Module``, quantised one by one, on the processor."""
