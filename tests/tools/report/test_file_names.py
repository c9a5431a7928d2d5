from densefit.tools.report.file_names import FileNames


def test_a_name_whose_files_are_free_is_left_as_it_is():
    names = FileNames(lambda name: [name])
    assert names.take("a", ".jpg") == "a.jpg"
    assert names.take("a", ".png") == "a.png"
    assert names.take("below/a", ".png") == "below/a.png"


def test_a_number_that_is_taken_too_is_passed_over():
    names = FileNames(lambda name: [name])
    assert names.take("a-2", ".png") == "a-2.png"
    assert [names.take("a", ".png") for _ in range(3)] == ["a.png", "a-3.png", "a-4.png"]


def test_letters_of_two_cases_are_one_file_on_some_disks():
    names = FileNames(lambda name: [name])
    assert [names.take("A", ".png"), names.take("a", ".png")] == ["A.png", "a-2.png"]
