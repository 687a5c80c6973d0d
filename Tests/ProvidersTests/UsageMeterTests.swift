import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("A meter of usage")
struct UsageMeterTests {
    /// What can be seen of a meter.
    private struct Reading: Equatable {
        var usage: Tokens?
        var isFinal: Bool
        var estimatedOutput: Int
        var output: Int

        init(_ meter: UsageMeter) {
            usage = meter.usage
            isFinal = meter.isFinal || meter.hasEndMark
            estimatedOutput = meter.estimatedOutput
            output = meter.output
        }
    }

    private func read(_ pieces: [ArraySlice<UInt8>], _ framing: AnswerFraming) -> UsageMeter {
        var meter = UsageMeter(framing)
        for piece in pieces { meter.read(piece.span) }
        meter.finish()
        return meter
    }

    private func read(_ text: String, _ framing: AnswerFraming) -> UsageMeter {
        read([Array(text.utf8)[...]], framing)
    }

    @Test("finds what each provider's answer reports, cut anywhere", arguments: UsageAnswer.all)
    func table(answer: UsageAnswer) {
        let body = answer.body[...]
        let whole = read([body], answer.framing)
        #expect(whole.usage == Tokens(input: answer.input, output: answer.output))
        #expect(whole.isFinal)
        #expect(whole.estimatedOutput == answer.estimatedOutput)
        let bytes = read(body.indices.map { body[$0...$0] }, answer.framing)
        #expect(Reading(bytes) == Reading(whole))
        for cut in body.indices {
            let halves = read([body[..<cut], body[cut...]], answer.framing)
            #expect(Reading(halves) == Reading(whole), "cut at \(cut)")
        }
    }

    @Test("knows the input of Anthropic's answer from its start, and does not take that for the end")
    func early() {
        let start = #"""
            data: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}


            """#
        let delta = #"""
            data: {"type":"content_block_delta","delta":{"text":"twelve bytes"}}


            """#
        let meter = read(start + delta + delta, .events)
        #expect(meter.usage == Tokens(input: 25, output: 1))
        #expect(!meter.isFinal)
        #expect(meter.estimatedOutput == 6)
        #expect(meter.output == 6)
    }

    @Test("counts the output of a stream that broke off, event by event or by its bytes")
    func estimate() {
        let short = UsageAnswer.openAI(Array(repeating: #"{"choices":[{"delta":{"content":"a"}}]}"#, count: 40))
        #expect(read(short, .events).output == 40)
        let long = UsageAnswer.openAI([#"{"choices":[{"delta":{"content":"\#(String(repeating: "x", count: 400))"}}]}"#]
        )
        #expect(read(long, .events).output == 100)
        #expect(read(#"data: {"choices":[{"delta":{"content":"cut o"#, .events).output == 1)
        #expect(read(short, .events).usage == nil)
    }

    /// A stream in which events are repeated as providers repeat them, with other strings, numbers and lengths in them,
    /// and now and then something that is none of that.
    private func stream(_ answer: UsageAnswer, _ random: inout SplitMix64) -> [UInt8] {
        let end = answer.framing == .lines ? "\n" : answer.body.contains(0x0D) ? "\r\n\r\n" : "\n\n"
        let texts = String(decoding: answer.body, as: UTF8.self).split(separator: end)
        var stream: [UInt8] = []
        for _ in 0..<40 {
            let text = Array((texts.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                var event = text
                if Int.random(in: 0..<3, using: &random) > 0 { Self.change(&event, &random) }
                stream += event + Array((Int.random(in: 0..<30, using: &random) == 0 ? "\n" : end).utf8)
            }
        }
        return stream
    }

    private static func change(_ event: inout [UInt8], _ random: inout SplitMix64) {
        let rest = [
            "", "a", "7", "words of text", #"\""#, #"\u00e9"#, #"\\"#, "\"", "-", ".5", "e3", "}", "{", "]", ",", ":",
            "\n",
            "\\", "\t", "你好", "null",
        ]
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0...event.count, using: &random)
            // Mostly where a string or a number goes on.
            let near = event[place...].firstIndex { $0 == UInt8(ascii: "\"") || $0.isDigit } ?? place
            event.insert(contentsOf: (rest.randomElement(using: &random) ?? "").utf8, at: near)
        }
    }

    @Test("reads events that are like those before as it would read each by itself", arguments: seeds(40))
    func patterns(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for answer in UsageAnswer.all where answer.framing == .events || answer.framing == .lines {
            let stream = stream(answer, &random)[...]
            // Byte by byte no event is ever whole, so that each is walked through.
            let walked = read(stream.indices.map { stream[$0...$0] }, answer.framing)
            #expect(Reading(read([stream], answer.framing)) == Reading(walked), "\(answer), seed \(seed)")
            var pieces: [ArraySlice<UInt8>] = []
            var rest = stream
            while !rest.isEmpty {
                pieces.append(rest.prefix(Int.random(in: 1...400, using: &random)))
                rest = rest.dropFirst(pieces[pieces.count - 1].count)
            }
            #expect(Reading(read(pieces, answer.framing)) == Reading(walked), "\(answer) in pieces, seed \(seed)")
        }
    }

    @Test(
        "ignores counts that are none",
        arguments: [
            "-5", "-0", "1e3", "\"7\"", "null", "true", "{}", "[]", "[null]", "1000000001", "99999999999999999999",
            "123456789012345678901234567890123456789", "1.", ".5", "1.2.3", "0x10", "NaN",
        ])
    func rubbish(count: String) {
        #expect(read(#"{"usage":{"prompt_tokens":\#(count)}}"#, .document).usage == nil)
        let meter = read(#"{"usage":{"prompt_tokens":3,"completion_tokens":\#(count)}}"#, .document)
        #expect(meter.usage == Tokens(input: 3, output: 0))
    }

    @Test("takes the largest count there may be, and adds up what is beyond one count")
    func largest() {
        let most = UsageCounts.maxCount
        let meter = read(
            #"{"usage":{"input_tokens":\#(most),"cache_creation_input_tokens":\#(most),"output_tokens":0}}"#, .document)
        #expect(meter.usage == Tokens(input: 2 * most, output: 0))
    }

    @Test(
        "takes of each count the largest, so that a report that repeats less of it takes nothing away",
        arguments: [
            (#"{"usage":{"output_tokens":15,"input_tokens":0}}"#, 15), (#"{"usage":{"output_tokens":15}}"#, 15),
            (#"{"usage":null}"#, 1), (#"{"usage":{"output_tokens":0}}"#, 1),
        ])
    func merges(delta: String, output: Int) {
        let start = #"{"message":{"usage":{"input_tokens":25,"output_tokens":1}}}"#
        #expect(read("data: \(start)\n\ndata: \(delta)\n\n", .events).usage == Tokens(input: 25, output: output))
        let lines = "{\"prompt_eval_count\":9,\"eval_count\":5}\n{\"prompt_eval_count\":3,\"eval_count\":7}\n"
        #expect(read(lines, .lines).usage == Tokens(input: 9, output: 7))
    }

    @Test(
        "finds nothing where usage only seems to be",
        arguments: [
            #"{"choices":[{"delta":{"usage":{"prompt_tokens":1}}}]}"#,
            #"{"content":[{"input":{"usage":{"input_tokens":1}}}]}"#,
            #"{"usage":null}"#, #"{"usage":{}}"#, #"{"usage":5}"#, #"{"Usage":{"prompt_tokens":1}}"#, "", "null", "[]",
            "prompt_tokens", "\u{1F}\u{8B}\u{8}{\"usage\":{\"prompt_tokens\":1}}",
        ])
    func nothing(text: String) {
        #expect(read(text, .document).usage == nil)
        #expect(read("data: \(text)\n\n", .events).usage == nil)
        #expect(!read("data: \(text)\n\n", .events).isFinal)
    }

    @Test("goes on behind an event that is rubbish")
    func recovers() {
        let good = "data: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
        for bad in ["data: {{{{]]\"\n\n", "data: \"\n\n", "}\n", "data\n", "data: {\"usage\":{\"prompt_tokens\":\n\n"] {
            #expect(read(bad + good, .events).usage == Tokens(input: 1, output: 2), "\(bad)")
        }
        #expect(read("{\"a\":\n{\"eval_count\":3}\n", .lines).usage == Tokens(input: 0, output: 3))
    }

    @Test("reads counts in headers")
    func headers() {
        var meter = UsageMeter(.document)
        meter.read(header: "X-Amzn-Bedrock-Input-Token-Count", value: "12")
        meter.read(header: "x-amzn-bedrock-output-token-count", value: "30")
        meter.read(header: "x-amzn-bedrock-output-token-kount", value: "99")
        meter.read(header: "content-length", value: "99")
        #expect(meter.usage == Tokens(input: 12, output: 30))
        var fireworks = UsageMeter(.events)
        fireworks.read(header: "fireworks-prompt-tokens", value: "7")
        fireworks.read(header: "fireworks-prompt-tokens", value: "-9")
        #expect(fireworks.usage == Tokens(input: 7, output: 0))
    }

    @Test("stops at a frame that can't be one", arguments: [[0, 0, 0, 0], [0, 0, 0, 15], [0xFF, 0xFF, 0xFF, 0xFF]])
    func brokenFrame(length: [UInt8]) {
        let bytes =
            length + Array(repeating: 0, count: 8) + UsageAnswer.frame(#"{"usage":{"inputTokens":1}}"#, headers: 0)
        #expect(read([bytes[...]], .frames).usage == nil)
    }

    @Test(
        "passes a MiB of anything on one line, and ten of plain letters",
        arguments: ["x", "\"", "{", "[", "\\", "{\"usage\":", ","])
    func hugeLine(word: String) {
        let piece = Array(repeating: Array(word.utf8), count: 65536 / word.utf8.count).flatMap { $0 }
        for framing in [AnswerFraming.document, .events, .lines, .frames] {
            var meter = UsageMeter(framing)
            meter.read(Array("data: {\"choices\":".utf8).span)
            for _ in 0..<(word == "x" ? 160 : 16) { meter.read(piece.span) }
            meter.finish()
            #expect(meter.usage == nil)
        }
    }

    @Test("survives anything, the same in pieces of any size", arguments: [71, 72, 73] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", ",", "\"", "\\", "{\"id\":\"x\",", "\"id\":\"\\\"x\",",
            "\r", "\n", "\n\n", "data:",
            "data: ", ": ", "\"usage\":",
            "{\"usage\":{",
            "\"prompt_tokens\":", "\"\\u0075sage\":", "12", "-3", "null", "true", "\"choices\":", "\"delta\":",
            "\"content\":\"text\"", "\"done\":", "[DONE]", "\0\0\0\u{20}\0\0\0\u{4}",
        ]
        for _ in 0..<1500 {
            let text = random.text(from: words, pieces: 50)
            for framing in [AnswerFraming.document, .events, .lines, .frames] {
                let whole = read([text[...]], framing)
                var pieces: [ArraySlice<UInt8>] = []
                var rest = text[...]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...min(rest.count, 12), using: &random)
                    pieces.append(rest.prefix(size))
                    rest = rest.dropFirst(size)
                }
                #expect(Reading(read(pieces, framing)) == Reading(whole), "seed \(seed), \(framing): \(text)")
            }
        }
    }

    @Test(
        "knows a body's framing by its type",
        arguments: [
            ("text/event-stream; charset=utf-8", AnswerFraming.events), ("Text/Event-Stream", .events),
            ("application/json", .document), ("application/problem+json", .document), ("application/x-ndjson", .lines),
            ("application/vnd.amazon.eventstream", .frames), ("text/html", nil), ("", nil), ("audio/mpeg", nil),
        ] as [(String, AnswerFraming?)])
    func framing(contentType: String, framing: AnswerFraming?) {
        #expect(AnswerFraming(contentType: contentType) == framing)
    }
}
