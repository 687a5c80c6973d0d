import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("An estimate of a request's tokens")
struct TokenPeekTests {
    private func peek(_ pieces: [ArraySlice<UInt8>], hasOutput: Bool = true) -> TokenPeek {
        var peek = TokenPeek(hasOutput: hasOutput)
        for piece in pieces { peek.read(piece.span) }
        return peek
    }

    private func peek(_ text: String, hasOutput: Bool = true) -> TokenPeek {
        peek([Array(text.utf8)[...]], hasOutput: hasOutput)
    }

    private func input(ofText text: String) -> Int { peek(#"{"p":"\#(text)"}"#).input }

    private static let base64 = String(repeating: "iVBORw0KGgo+/AAA", count: 4096)

    @Test(
        "counts text by its script",
        arguments: [
            ("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), (String(repeating: "word ", count: 100), 125),
            ("Привет, мир", 5), ("你好世界", 4), ("こんにちは", 5), ("안녕하세요", 5), ("😀", 2), ("naïve", 2),
            (#"\u4f60\u597d"#, 2), (#"\u041f\u0440"#, 1), (#"\ud83d\ude00"#, 2), (#"a\n\"b\\"#, 2), (#"\u0041"#, 1),
            (#"\u"#, 0), (#"\u00"#, 0), (#"\uzzzz"#, 1),
        ])
    func scripts(text: String, tokens: Int) {
        #expect(input(ofText: text) == tokens)
    }

    @Test("counts what a chat brings, frame and all, about as OpenAI's tokenizer")
    func chat() {
        let body = #"""
            {"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},
            {"role":"user","content":"What is the capital of France, and how many people live there?"}],"max_tokens":50}
            """#
        // 29 and 64 characters of text, two frames of some 4 tokens, and the model's name.
        #expect((30...36).contains(peek(body).input))
        #expect(peek(body).claim == TokenClaim(input: peek(body).input, outputBound: 50))
    }

    @Test(
        "counts a picture at a flat figure, wherever it stands",
        arguments: [
            #"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,@"}}]}]}"#,
            #"{"messages":[{"content":[{"source":{"type":"base64","media_type":"image/png","data":"@"}}]}]}"#,
            #"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"@"}}]}]}"#,
            #"{"messages":[{"role":"user","images":["@"]}]}"#,
            #"{"messages":[{"content":[{"image":{"source":{"bytes":"@"}}}]}]}"#,
        ])
    func picture(shape: String) {
        let parts = shape.split(separator: "@")
        func body(_ data: String) -> String { parts.joined(separator: data) }
        let frame = peek(body("")).input
        let picture = peek(body(Self.base64)).input - frame
        #expect((1199...1200).contains(picture))
        let lines = String(repeating: String(repeating: "A", count: 76) + #"\r\n"#, count: 900)
        #expect((1199...1200).contains(peek(body(lines)).input - frame))
        #expect((1199...1200).contains(peek(body(String(repeating: #"AAAA\/BBBB"#, count: 900))).input - frame))
    }

    @Test("counts two pictures twice, long sounds by their length, and text that goes on beside them")
    func media() {
        let picture = Self.base64
        #expect(peek(#"{"a":["\#(picture)","\#(picture)"]}"#).input == 2400)
        #expect(peek(#"{"a":"\#(picture) four\#(picture)"}"#).input == 2401)
        let sound = String(repeating: "A", count: 2134 * 3000)
        #expect(peek(#"{"a":"\#(sound)"}"#).input == 3000)
    }

    @Test("takes no text for a picture")
    func noPicture() {
        let words = String(repeating: #"identifier\n"#, count: 500)
        #expect(input(ofText: words) == 500 * 11 / 4)
        let numbers = String(repeating: "12,34.5;", count: 500)
        #expect(input(ofText: numbers) == 1000)
        #expect(input(ofText: String(repeating: "漢字", count: 5000)) == 10000)
        let short = (0..<500).map { _ in #""abcdefgh""# }.joined(separator: ",")
        #expect(peek(#"{"input":[\#(short)]}"#).input == 1000)
    }

    @Test("counts tokens that stand there as numbers")
    func tokens() {
        #expect(peek(#"{"input":[1,22,333]}"#).input == 3)
        #expect(peek(#"{"input":[[1,22],[333,4]]}"#).input == 4)
        #expect(peek(#"{"prompt":[1,22],"temperature":1,"x":[1,2,3]}"#).input == 2)
    }

    @Test(
        "finds the bound of the output, times the answers asked for",
        arguments: [
            (#"{"max_tokens":5}"#, 5), (#"{"max_completion_tokens":5}"#, 5), (#"{"max_output_tokens":5}"#, 5),
            (#"{"generationConfig":{"maxOutputTokens":5,"candidateCount":2}}"#, 10),
            (#"{"inferenceConfig":{"maxTokens":5}}"#, 5), (#"{"options":{"num_predict":5}}"#, 5),
            (#"{"options":{"num_predict":-1}}"#, nil), (#"{"max_tokens":5,"max_completion_tokens":9,"n":3}"#, 27),
            (#"{"n":3}"#, nil), (#"{"n":0,"max_tokens":5}"#, 5), (#"{"n":-3,"max_tokens":5}"#, 5),
            (#"{"best_of":4,"n":2,"max_tokens":5}"#, 20), (#"{"max_tokens":0}"#, 0), (#"{"max_tokens":-5}"#, nil),
            (#"{"max_tokens":"5"}"#, nil), (#"{"max_tokens":null}"#, nil), (#"{"max_tokens":[]}"#, nil),
            (#"{"max_tokens":5,"max_tokens":7}"#, 7), (#"{"max_tokens":7,"max_tokens":5}"#, 5),
            (#"{"max_tokens":7,"max_tokens":null}"#, nil), (#"{"max\u005ftokens":7}"#, 7),
            (#"{"messages":[{"max_tokens":5}]}"#, nil), (#"{"maxTokens":5}"#, nil), ("", nil), ("max_tokens=5", nil),
            (#"{"max_tokens":99999999999999999999,"n":99999999999999999999}"#, 128_000_000_000),
        ] as [(String, Int?)])
    func bound(text: String, bound: Int?) {
        #expect(peek(text).outputBound == bound)
        #expect(peek(text, hasOutput: false).outputBound == 0)
    }

    @Test(
        "finds nothing in what is no JSON", arguments: ["", "--boundary\r\nname=\"model\"\r\n", "x", "\"text\"", "12"])
    func noJSON(text: String) {
        #expect(peek(text).claim == TokenClaim(input: 0))
    }

    @Test("finds the same cut anywhere")
    func cuts() {
        let text = #"""
            {"model":"m\u0065","max_tokens":12,"messages":[{"role":"user","content":"Plain text, 你好 \u4f60\ud83d\ude00\n\"é\""},
            {"content":[{"url":"data:image/png;base64,\#(Self.base64.prefix(1100))"},[[{"deep":"text"}]]]}],"n":2}
            """#
        let body = Array(text.utf8)[...]
        let whole = peek([body])
        #expect(whole.outputBound == 24)
        #expect((1200...1250).contains(whole.input))
        #expect(peek(body.indices.map { body[$0...$0] }).claim == whole.claim)
        for cut in body.indices { #expect(peek([body[..<cut], body[cut...]]).claim == whole.claim, "cut at \(cut)") }
    }

    @Test("finds the same in anything, in pieces of any size", arguments: [101, 102, 103] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let long = String(repeating: "A", count: 600)
        let words = [
            "{", "}", "[", "]", ",", "\"", "\"a\":", "\"max_tokens\":", "\"prompt\":", "12", "-1", "\\", "\\n", "\\/",
            "\\u4f",
            "plain text, ", "你", "😀", long, long, String(repeating: "B", count: 61),
        ]
        for _ in 0..<2000 {
            let text = [UInt8(ascii: "{")] + random.text(from: words, pieces: 50)
            let whole = peek([text[...]])
            var pieces: [ArraySlice<UInt8>] = []
            var rest = text[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...min(rest.count, 40), using: &random)
                pieces.append(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(peek(pieces).claim == whole.claim, "seed \(seed): \(text)")
        }
    }

    @Test(
        "reads a MiB of anything, and ten of plain letters", arguments: ["x", "\"", "{", "[\"", "\\", "你", "\"a\":{"])
    func huge(word: String) {
        let piece = Array(repeating: Array(word.utf8), count: 65536 / word.utf8.count).flatMap { $0 }
        var peek = TokenPeek()
        peek.read(Array("{\"messages\":".utf8).span)
        for _ in 0..<(word == "x" ? 160 : 16) { peek.read(piece.span) }
        #expect(peek.input >= 0)
        #expect(peek.outputBound == nil)
    }

    @Test(
        "knows which requests have no output",
        arguments: [
            ("/v1/embeddings", false), ("/v1/chat/completions", true), ("/v1/moderations?x=1", false),
            ("/v1beta/models/m:embedContent", false), ("/v1beta/models/m:generateContent", true),
            ("/v2/rerank", false), ("/v1/messages/count_tokens", false), ("/api/embed", false), ("/v1/responses", true),
            ("", true),
        ])
    func hasOutput(target: String, hasOutput: Bool) {
        #expect(RequestShape().hasOutput(target: target) == hasOutput)
    }

    @Test("counts as each provider does")
    func counting() {
        let reserving: [Provider: TokenCounting] = [
            .anthropic: .reservedUsage, .bedrock: .reservedUsage, .groq: .reservedUsage, .azureOpenAI: .reservation,
            .moonshot: .reservation,
        ]
        for provider in Provider.allCases {
            #expect(provider.profile.tokenCounting == reserving[provider] ?? .usage, "\(provider)")
        }
    }
}
