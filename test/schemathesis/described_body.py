"""A check that schemathesis lacks: it compares no body with a description that has none."""

import schemathesis


@schemathesis.check
def described_body(ctx, response, case):
    schema = case.operation.schema
    if response.content and not schema.get_content_types(case.operation, response):
        raise AssertionError(f"{response.status_code} has a body, and is described without one.")
