"""Any causal LM by its folder: a tiny random Llama, of its own words, through everything."""

import pytest
import torch

from semgrasp_ros.core.language import (
    GraspLanguageModel,
    describe,
    generate,
    load_model,
    train_language_model,
)
from test.semgrasp_ros.core.language import tiny

TURNS = tiny.request("Hold it by the lid.")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return _save_llama(tmp_path_factory.mktemp("base"), tied=False)


def _save_llama(folder, tied):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=270, special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["hold the lid"], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    # More embeddings than tokens, as many models have.
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        tie_word_embeddings=tied,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_both_stages_saving_loading_and_decoding(llama, tmp_path):
    config = tiny.config(base=str(llama), stage1_steps=25, stage2_steps=25, batch=10, save_every=25)
    model = GraspLanguageModel.make(config, object_width=tiny.OBJECT_WIDTH)
    before = tiny.weights(model)
    adapters = [name for name in before if "lora_" in name]
    # Attention and feed-forward, in each layer, A and B.
    assert len(adapters) == 2 * 7 * 2
    assert all(64 in before[name].shape for name in adapters)

    moved = {}
    looks = []

    def report(look):
        looks.append(look)
        now = tiny.weights(model)
        moved[look["stage"]] = {name for name in now if not torch.equal(now[name], before[name])}
        before.update(now)

    train_language_model(model, tiny.examples(), tiny.features, tmp_path, tiny.examples(), report)
    assert looks[1]["loss"] < looks[0]["loss"] < 5.0
    assert "new_tokens.weight" in moved[1] & moved[2]
    assert "new_head.weight" in moved[1] & moved[2]
    assert "projector.out.weight" in moved[1]
    assert not [name for name in moved[1] if name.startswith("lm.")]
    assert {name for name in moved[2] if name.startswith("lm.")} == set(adapters)
    assert not [name for name in moved[2] if name.startswith("projector.")]

    again = load_model(tmp_path)
    thing = tiny.features([1])
    for turns in (TURNS, tiny.request("</s> <o_3> hold")):
        expected = generate(model, *thing, turns, 6, generator=torch.Generator().manual_seed(1))
        found = generate(again, *thing, turns, 6, generator=torch.Generator().manual_seed(1))
        tiny.assert_same_candidates(found, expected)
    assert describe(again, *thing, (1, 2, 3)) == describe(model, *thing, (1, 2, 3))

    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    _peft_reads_the_adapter(llama, tmp_path, model)


def _peft_reads_the_adapter(llama, folder, model):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama), folder / "adapter").eval()
    ids = torch.arange(12)[None]
    with torch.no_grad():
        expected = theirs(input_ids=ids).logits
        ours = model.logits(model.hidden(model.embed(ids))[0])[..., : model.vocabulary.first_new]
    assert torch.allclose(expected[..., : model.vocabulary.first_new], ours, atol=1e-5)


def test_resuming_the_second_stage(llama, tmp_path):
    from semgrasp_ros.core.language.training import StageTrainer

    config = tiny.config(base=str(llama), lora_dropout=0.2)
    models = [GraspLanguageModel.make(config, object_width=tiny.OBJECT_WIDTH) for _ in range(3)]
    StageTrainer(models[0], 2, tiny.examples(), tiny.features, tmp_path / "whole").run()
    half = StageTrainer(models[1], 2, tiny.examples(), tiny.features, tmp_path / "parts")
    half.train_step()
    half.train_step()
    half.save()
    StageTrainer(models[2], 2, tiny.examples(), tiny.features, tmp_path / "parts").run()
    tiny.assert_same_weights(models[0], models[2])


def test_a_base_in_another_place_and_of_16_bits(tmp_path):
    first = _save_llama(tmp_path / "here", tied=True)
    config = tiny.config(base=str(first), base_dtype="bfloat16")
    model = GraspLanguageModel.make(config, object_width=tiny.OBJECT_WIDTH).eval()
    assert model.new_head is None
    assert all(value.dtype == torch.float32 for name, value in model.named_parameters() if "lora_" in name)
    model.save(tmp_path / "saved")
    first.rename(tmp_path / "there")
    with pytest.raises(FileNotFoundError, match="is not the folder of a language model"):
        load_model(tmp_path / "saved")
    again = load_model(tmp_path / "saved", base=tmp_path / "there")
    thing = tiny.features([0])
    found, expected = (one.generate(*thing, TURNS, candidates=1) for one in (again, model))
    tiny.assert_same_candidates(found, expected)
