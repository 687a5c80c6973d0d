import Foundation
import Rehearsal
import Testing

@testable import Providers

@Suite("A packed error body")
struct InflateTests {
    private static let body = #"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#
    private static let gzip =
        "H4sIAAAAAAACAyXKwQ2AIAwF0FWanp2ATTwZUj6GgzQWmmgIu6vx/N5gmKlxGHygtbiDA6/qhEuAhES3upG4GWqn07VHXlg0fbHU5jkXKa"
        + "9tv835AEg3XsFTAAAA"
    private static let zlib =
        "eJwlysENgCAMBdBVmp6dgE08GVI+hoM0FppoCLur8fzeYJipcRh8oLW4gwOv6oRLgIREt7qRuBlqp9O1R15YNH2x1OY5Fymvbb/N"
        + "+QDe9x5J"
    private static let raw =
        "JcrBDYAgDAXQVZqenYBNPBlSPoaDNBaaaAi7q/H83mCYqXEYfKC1uIMDr+qES4CERLe6kbgZaqfTtUdeWDR9sdTmORcpr22/zfkA"

    private func unpack(_ text: String, _ coding: String, bound: Int = 8192) -> String {
        let bytes = Array(Data(base64Encoded: text) ?? Data())
        return String(decoding: Inflate.beginning(of: bytes.span, coding: coding, bound: bound), as: UTF8.self)
    }

    @Test(
        "is read in each coding that is one of deflate's",
        arguments: [(gzip, "gzip"), (gzip, "X-GZIP"), (zlib, "deflate"), (raw, "deflate")])
    func codings(text: String, coding: String) {
        #expect(unpack(text, coding) == Self.body)
    }

    @Test("is read where a table of its own was made for it")
    func dynamic() {
        // 40 lines "line 7: limit 49 of 161" and the like, packed by zlib at level 9.
        #expect(unpack(Self.dynamicText, "deflate") == Self.lines)
        #expect(unpack(Self.dynamicText, "deflate", bound: 100) == String(Self.lines.prefix(100)))
    }

    @Test("that is stored and not packed is read")
    func stored() {
        let bytes: [UInt8] = [1, 3, 0, 0xFC, 0xFF] + Array("abc".utf8)
        let plain = Inflate.beginning(of: bytes.span, coding: "deflate", bound: 10)
        #expect(String(decoding: plain, as: UTF8.self) == "abc")
    }

    @Test("that is cut off gives what is there of it, and garbage no harm")
    func cut() throws {
        let bytes = Array(try #require(Data(base64Encoded: Self.gzip)))
        for end in bytes.indices {
            let beginning = bytes[..<end]
            let plain = Inflate.beginning(of: beginning.span, coding: "gzip", bound: 8192)
            #expect(Self.body.utf8.starts(with: plain), "cut at \(end)")
        }
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            var wrong = bytes
            for _ in 0..<3 {
                wrong[Int.random(in: wrong.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            #expect(Inflate.beginning(of: wrong.span, coding: "gzip", bound: 200).count <= 200)
        }
    }

    @Test("of another coding gives nothing", arguments: ["br", "zstd", "identity", "gzip, br", ""])
    func others(coding: String) {
        #expect(unpack(Self.gzip, coding).isEmpty)
    }

    @Test("is judged as if it had not been packed", arguments: [("gzip", gzip), ("deflate", zlib)])
    func judged(coding: String, text: String) throws {
        let bytes = Array(try #require(Data(base64Encoded: text)))
        func judge(_ coding: String) -> AnswerKind {
            Provider.openai.profile.judge(
                status: 429, headers: [("Content-Encoding", coding)], body: bytes.span,
                now: WallTime(unixMilliseconds: 0)
            ).kind
        }
        #expect(judge(coding) == .quotaExhausted)
        #expect(judge("br") == .rateLimited, "the status decides")
    }

    private static let lines = (0..<40).map { "line \($0): limit \($0 * 7) of \($0 * 23)" }.joined(separator: "\n")
    private static let dynamicText =
        "eNpF0ktOBTEMRNE5q+gl+BPHDvsBqaUHTNi/oCuOPa1Mck/yur8/Lnq/XvfX/XvR9fN50dvrGfmM/oyie5Wz8njmMfesZxZ+5rn2"
        + "PGqOZ16yZzuz2jMz297n2Ydg19i7176wT957nN0m9hh7X2efiruTZ1KFOu2o09qxu9Yyl6s30CuewVzFC8WyMpmreaFZJaO5qpmQ"
        + "rSOzubqZEa4zw9n7BOm6Mp2rnQXxgzOeq54V+UMzX6gfj/brZb9wnwBgxHnvfnCDgFEKSAn8vwdOJAlk9AkMzNJA2sBhYJ4G0gYB"
        + "A1tpIG0QMJiSBtIGCwZzpIGUgRAM5kwDpf6ptL9qGij3CQyc00DLQAQGrufb979XGLilgfbXVxh4pIGWgQwYBKWBloEYDELSQL1P"
        + "YBCWBloGMmEQngbaBg6DWP4HiwIWUw=="
}
