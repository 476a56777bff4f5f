"""Files and functions stay short enough to be read in one go, and say what they are for."""

import ast

from tests.shape.repository import modules

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def test_no_file_of_the_product_is_longer_than_400_lines() -> None:
    long = {module.path: len(module.lines) for module in modules() if len(module.lines) > FILE_LINES_MAX}
    assert not long


def test_no_function_of_the_product_is_longer_than_60_lines() -> None:
    long = {
        f"{module.path}:{node.lineno} {node.name}": length
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not long


def test_every_module_with_code_says_what_it_answers_for() -> None:
    assert not [module.path for module in modules() if module.tree.body and not ast.get_docstring(module.tree)]
