from densefit.tools.page.matrix_table import matrix_table


def matrix(names, counts):
    return {"names": names, "counts": counts, "what": "boxes"}


def test_cells_and_the_largest_confusions():
    table = matrix_table(matrix(["a", "b"], [[3, 1], [2, 0]]))
    assert [[cell.text for cell in cells] for _, cells in table.rows] == [["3", "1"], ["2", ""]]
    assert [cell.depth for cell in table.rows[0][1]] == [0.87, 0.5]
    assert table.rows[0][1][1].title == "true a, predicted b: 1 (25.0 %)"
    assert table.largest == [("b", "a", 2, "100.0 %"), ("a", "b", 1, "25.0 %")]
    assert (table.total, table.is_small) == (6, True)


def test_many_classes_have_no_numbers():
    count = 80
    counts = [[int(row == column) for column in range(count)] for row in range(count)]
    table = matrix_table(matrix([str(index) for index in range(count)], counts))
    assert not table.is_small
    assert table.largest == []
