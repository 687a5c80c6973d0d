import Policy
import Testing

@Suite("Documents")
struct DocumentTests {
    private static let valid = "upstreams:\n  openai:\n    url: https://api.openai.com\n"

    @Test("A file without content is a mistake", arguments: ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
    func emptyFile(_ text: String) {
        let lines = PolicyLoader.test().lines(text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("1:1: error: the file is empty") == true)
    }

    @Test("What is no UTF-8 is a mistake where it begins")
    func badUTF8() {
        let bytes = Array("listen: 127.0.0.1:1\nadmin: é".utf8) + [0xC3, 0x28, 0x0A]
        #expect(PolicyLoader.test().lines(bytes) == ["2:9: error: the file is not valid UTF-8"])
    }

    @Test("A file of more than 1 MiB is not parsed")
    func largeFile() throws {
        let full = Self.valid + String(repeating: "#", count: (1 << 20) - Self.valid.utf8.count)
        _ = try PolicyLoader.test().load(full)
        #expect(PolicyLoader.test().lines(full + "#") == ["1:1: error: the file is larger than 1 MiB"])
    }

    @Test("Aliases of aliases can't make a small file endless")
    func manyLaughs() {
        var text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "b\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(
            PolicyLoader.test().lines(text) == ["1:1: error: aliases make the document larger than 100000 nodes"])
    }

    @Test("A byte order mark moves no column")
    func byteOrderMark() {
        let bytes = [0xEF, 0xBB, 0xBF] + Array("workerz: 2\n\(Self.valid)".utf8)
        #expect(PolicyLoader.test().lines(bytes) == ["1:1: error: unknown key `workerz`; did you mean `workers`?"])
    }

    @Test("Lines end as YAML ends them", arguments: ["\n", "\r\n", "\r"])
    func lineEnds(_ end: String) {
        let text = "workers: 2\n\(Self.valid)workers: 3\nadmn: x\n".replacing("\n", with: end)
        #expect(
            PolicyLoader.test().lines(text) == [
                "5:1: error: duplicate key `workers`, which stands already in line 1",
                "6:1: error: unknown key `admn`; did you mean `admin`?",
            ])
    }

    @Test("More duplicate keys than can be renamed are told one at a time")
    func manyDuplicates() {
        let text = (0..<100).map { "key\($0): 1\nkey\($0): 2\n" }.joined()
        let lines = PolicyLoader.test().lines(text)
        #expect(lines.count == 1)
        #expect(lines.first?.contains("error: duplicate key `key") == true)
    }

    @Test(
        "A duplicate key is found however it is written",
        arguments: [
            "workers: 1\n\"workers\": 2\n", "'workers': 1\nworkers: 2\n", "{workers: 1, workers: 2}\n",
            "? workers\n: 1\n? workers\n: 2\n", "\"wor\\x6bers\": 1\nworkers: 2\n", "&a workers: 1\nworkers: 2\n",
        ])
    func duplicateForms(_ text: String) {
        let lines = PolicyLoader.test().lines(text)
        #expect(lines.contains { $0.contains("error: duplicate key `workers`") })
    }

    @Test("Control characters of the file do not reach the terminal")
    func printable() {
        let lines = PolicyLoader.test().lines("\"a\\e[31mb\": 1\n\(Self.valid)")
        #expect(lines == ["1:1: error: unknown key `a?[31mb`"])
    }

    @Test("Anchors, aliases and merged mappings are followed")
    func aliases() throws {
        let policy = try PolicyLoader.test().load(
            """
            upstreams:
              a: &a
                url: https://a.example.com
                provider: openai
                limits: &limits
                  - in_flight: 3
                timeouts: {connect: 1s}
              b:
                url: https://b.example.com
                limits: *limits
              c:
                <<: *a
                url: https://c.example.com
            """
        ).policy
        #expect(policy.upstreams[1].gate.limits == policy.upstreams[0].gate.limits)
        #expect(policy.upstreams[2].provider == .openai)
        #expect(policy.upstreams[2].url.host == "c.example.com")
        #expect(policy.upstreams[2].timeouts.connect == .seconds(1))
    }

    @Test("A mistake is an error in the form that editors know")
    func form() throws {
        let invalid = try #require(throws: InvalidPolicy.self) {
            try PolicyLoader.test(file: "dir/p.yaml").load("workerz: 1\n" + Self.valid)
        }
        #expect(invalid.description == "dir/p.yaml:1:1: error: unknown key `workerz`; did you mean `workers`?")
        #expect(invalid.mistakes.map(\.position) == [.start])
    }
}
