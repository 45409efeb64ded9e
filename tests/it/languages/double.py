from torana import Answer, cache, context, data, http, kv, metrics

# Hooks do what the test puts here.
work = None


def init(config):
    """Gives back what stands in `config`, as an `init` that is wrong might."""
    return config


def on_request(request):
    return work(request)


def on_response(response):
    return work(response)


def on_request_body(chunk, last):
    return work(chunk, last)


def handle(request):
    return work(request)
