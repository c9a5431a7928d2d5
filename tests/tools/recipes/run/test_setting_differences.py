from densefit.tools.recipes.run.setting_differences import ABSENT, differing_settings, flat_settings


def test_settings_are_flattened_and_lists_stay_whole():
    nested = {"a": {"b": {"c": 1}, "d": {}}, "e": [{"f": 1}], "g": (1, 2)}
    assert flat_settings(nested) == {"a.b.c": 1, "a.d": {}, "e": [{"f": 1}], "g": [1, 2]}


def test_what_differs_is_named_with_all_values():
    recipes = [{"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, {"a": 1}]
    assert differing_settings(recipes) == {"b.c": [2, 3, ABSENT]}
    assert differing_settings(recipes, ["b.c"]) == {}


def test_empty_and_absent_are_alike():
    assert differing_settings([{"a": {}}, {"a": {"b": None}}, {}]) == {}
    assert differing_settings([{"a": {}}, {"a": {"b": 0}}]) == {"a.b": [ABSENT, 0]}
