import Testing

@testable import penstock

@Suite("Lines for a terminal")
struct StyledLineTests {
    @Test("A line is cut by columns, whatever its colours", arguments: [0, 1, 3, 5, 6, 80])
    func width(width: Int) {
        var line = StyledLine("abc", .good)
        line.add("déf", .plain)
        #expect(line.text(width: width) == String("abcdéf".prefix(width)))
        let coloured = line.text(width: width, colours: true)
        #expect(coloured.replacing("\u{1B}[32m", with: "").replacing("\u{1B}[0m", with: "") == line.text(width: width))
    }

    @Test("Colours are written only where they are wanted, and end where they should")
    func colours() {
        let line = StyledLine("no", .bad)
        #expect(line.text() == "no")
        #expect(line.text(colours: true) == "\u{1B}[31mno\u{1B}[0m")
        #expect(StyledLine("no").text(colours: true) == "no")
    }

    @Test(
        "Text is broken between words",
        arguments: [
            ("", 5, []), ("one", 5, ["one"]), ("one two three", 7, ["one two", "three"]),
            ("one two three", 8, ["one two", "three"]), ("enormous x", 3, ["enormous", "x"]), ("a\n b", 9, ["a b"]),
        ] as [(String, Int, [String])])
    func wrap(text: String, width: Int, lines: [String]) {
        #expect(text.wrapped(width) == lines)
    }

    @Test(
        "Figures are short",
        arguments: [
            (nil, "–"), (0, "0 ms"), (12.4, "12 ms"), (999.4, "999 ms"), (999.5, "1.0 s"), (61_250, "61.3 s"),
        ] as [(Double?, String)])
    func wait(milliseconds: Double?, text: String) {
        #expect(Figures.wait(milliseconds) == text)
    }

    @Test(
        "Fractions keep their zeros and signs",
        arguments: [(1, 3, "1.000"), (0.0504, 2, "0.05"), (-0.06, 1, "-0.1"), (99.95, 1, "100.0"), (-0.01, 1, "0.0")]
            as [(Double, Int, String)])
    func fixed(value: Double, digits: Int, text: String) {
        #expect(Figures.fixed(value, digits: digits) == text)
    }
}
