import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.record.codec import encode
from agentnb.record.document import RunRecord, Step
from agentnb.record.limits import bound_record, cut_output, cut_text


@given(st.text(alphabet="ab\n", max_size=2000), st.integers(0, 1000))
def test_a_cut_text_is_within_its_limit(text, limit):
    cut = cut_text(text, limit)
    assert len(cut) <= limit or cut == text
    assert cut == text or len(text) > limit


def test_head_and_tail_are_kept_and_the_rest_is_counted():
    text = "".join(f"line {number:04}\n" for number in range(1000))
    cut = cut_text(text, 1000)
    assert cut.startswith("line 0000\n")
    assert cut.endswith("line 0999\n")
    head, _, rest = cut.partition("… ")
    kept = len(head) + len(rest.split("left out …\n")[1])
    assert rest.startswith(f"{len(text) - kept:,} characters (") or rest.startswith(f"{len(text) - kept + 1:,} ch")
    assert "lines) left out …" in rest


def test_images_are_kept_and_large_tables_go():
    data = {"text/plain": "frame", "text/html": "<table>" + "x" * 5000, "image/png": "A" * 100_000}
    cut = cut_output({"output_type": "display_data", "data": data, "metadata": {}}, limit=1000)["data"]
    assert cut["image/png"] == data["image/png"]
    assert "text/html" not in cut
    assert cut["text/plain"].startswith("frame\n[text/html of 5,007 characters left out]")


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stdout", "text": ["x" * 5000, "y" * 5000]},
        {"output_type": "error", "ename": "E", "evalue": "v" * 9000, "traceback": ["t" * 100] * 100},
        {"output_type": "display_data", "data": {"text/plain": "x" * 9000}, "metadata": {}},
    ],
)
def test_every_kind_of_output_is_cut(output):
    assert len(encode(RunRecord(steps=[_step(1, cut_output(output, limit=1000))]))) < 3000


def _step(number, *outputs):
    return Step(id=f"s{number}", task="t", agent="quant", number=number, code="x = 1", outputs=list(outputs))


def _text(size):
    return {"output_type": "stream", "name": "stdout", "text": "x" * size}


def _image(size):
    return {"output_type": "display_data", "data": {"image/png": "A" * size}, "metadata": {}}


def test_a_record_within_its_limit_is_left_alone():
    record = RunRecord(steps=[_step(1, _text(1000))])
    assert bound_record(record, 10_000) is record


def test_the_oldest_large_texts_go_first_and_images_stay():
    record = RunRecord(steps=[_step(1, _image(40_000)), _step(2, _text(40_000)), _step(3, _text(40_000))])
    record.result = {"text/plain": "r" * 1000}
    bounded = bound_record(record, 100_000)
    assert len(encode(bounded)) <= 100_000
    assert bounded.steps[0].outputs == record.steps[0].outputs
    assert "bytes left out" in bounded.steps[1].outputs[0]["data"]["text/plain"]
    assert bounded.steps[2].outputs == record.steps[2].outputs
    assert len(bounded.cut) == 1
    assert bounded.cut[0].startswith("step 2 of quant")
    assert record.steps[1].outputs == [_text(40_000)]


def test_a_record_far_too_large_keeps_result_and_code():
    record = RunRecord(steps=[_step(n, _text(30_000), _image(30_000), _text(900)) for n in range(200)])
    for step in record.steps:
        step.thought = "because " * 500
    record.result = {"text/plain": "42"}
    bounded = bound_record(record, 410_000)
    assert len(encode(bounded)) <= 410_000
    assert bounded.result == record.result
    assert [step.code for step in bounded.steps] == ["x = 1"] * 200
    assert len(bounded.cut) == 41
