import Rehearsal
import Testing

@testable import Admission

@Suite("Token book")
struct TokenBookTests {
    /// A book that knows of these requests to one model: estimated and actual input, output.
    static func book(_ requests: [(Int, Int, Int)]) -> TokenBook {
        var book = TokenBook()
        for (estimated, input, output) in requests {
            book.learn(model: "m", estimatedInput: estimated, actual: Tokens(input: input, output: output))
        }
        return book
    }

    static func input(_ book: TokenBook, _ estimated: Int) -> Int {
        book.estimate(model: "m", input: estimated, outputBound: nil).input
    }

    static func output(_ book: TokenBook, bound: Int? = nil) -> Int {
        book.estimate(model: "m", input: 1, outputBound: bound).output
    }

    @Test(
        "before anything is known the text's estimate stands, and a small bound or 1024",
        arguments: [
            (nil, 1024), (0, 0), (1, 1), (100, 100), (1024, 1024), (4096, 4096), (4097, 1024), (128_000, 1024), (-3, 0),
        ] as [(Int?, Int)])
    func unknown(bound: Int?, output: Int) {
        #expect(
            TokenBook().estimate(model: "m", input: 77, outputBound: bound) == Tokens(input: 77, output: output))
        let other = Self.book([(1, 8, 9)])
        #expect(other.estimate(model: "n", input: 77, outputBound: bound) == Tokens(input: 77, output: output))
    }

    @Test(
        "input is corrected by what it was of its estimates, an eighth to eight times",
        arguments: [
            (100, 150, 1000, 1500), (150, 100, 1000, 667), (100, 100, 1000, 1000), (100, 1, 1000, 125),
            (1, 1000, 1000, 8000), (3, 1, 1, 1), (100, 150, 0, 0), (100, 150, -4, 0),
        ])
    func ratio(estimated: Int, actual: Int, next: Int, input: Int) {
        for times in [1, 5, 16, 100] {
            let book = Self.book(Array(repeating: (estimated, actual, 1), count: times))
            #expect(abs(Self.input(book, next) - input) <= 1, "after \(times)")
        }
    }

    @Test("short texts, whose framing outweighs them, say little of long ones")
    func framing() {
        let mixed = (0..<100).map { $0 % 2 == 0 ? (2, 16, 1) : (10_000, 10_000, 1) }
        let input = Self.input(Self.book(mixed), 10_000)
        #expect(input >= 10_000 && input <= 10_050)
    }

    @Test(
        "an input that could not be estimated, or was not told, teaches nothing of inputs", arguments: [(0, 9), (9, 0)])
    func silent(estimated: Int, actual: Int) {
        let book = Self.book([(100, 200, 1), (estimated, actual, 1)])
        #expect(Self.input(book, 50) == 100)
    }

    @Test(
        "output is the mean of what came and its mean deviation",
        arguments: [
            // After one, half of it; then each sample's distance from the mean before it, averaged.
            ([100], 150), ([100, 100], 125), ([0], 0), ([0, 0, 0], 0), ([100, 200], 225), ([300, 100, 200], 317),
        ])
    func mean(outputs: [Int], output: Int) {
        #expect(Self.output(Self.book(outputs.map { (1, 1, $0) })) == output)
    }

    @Test("the estimate never passes the request's bound", arguments: [(nil, 750), (10, 10), (0, 0), (9_999, 750)])
    func bounded(bound: Int?, output: Int) {
        #expect(Self.output(Self.book([(1, 1, 500)]), bound: bound) == output)
    }

    @Test("what is always the same is estimated as that")
    func converges() {
        for length in [0, 1, 17, 5_000, 1_000_000] {
            let book = Self.book(Array(repeating: (10, 10, length), count: 200))
            #expect(Self.output(book) >= length && Self.output(book) <= length + 1)
        }
    }

    @Test("the first sixteen count alike, later ones a sixteenth each")
    func adapts() {
        // Sixteen of 0 and then 1600: the mean is 100 and the deviation 100.
        let book = Self.book(Array(repeating: (1, 1, 0), count: 16) + [(1, 1, 1_600)])
        #expect(Self.output(book) == 200)
        let settled = Self.book(Array(repeating: (1, 1, 0), count: 500) + Array(repeating: (1, 1, 800), count: 60))
        #expect(Self.output(settled) > 780 && Self.output(settled) < 870)
    }

    @Test("an estimate is enough for about four of five answers, whatever their spread", arguments: seeds(5))
    func coverage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for spread in 0..<3 {
            var book = TokenBook()
            var enough = 0
            for _ in 0..<4_000 {
                let output: Int
                switch spread {
                case 0: output = Int.random(in: 0...2_000, using: &random)
                case 1: output = (0..<8).reduce(0) { sum, _ in sum + Int.random(in: 0...200, using: &random) }
                default: output = 100 * random.next().leadingZeroBitCount + Int.random(in: 0..<100, using: &random)
                }
                if Self.output(book) >= output { enough += 1 }
                book.learn(model: "m", estimatedInput: 1, actual: Tokens(input: 1, output: output))
            }
            #expect((2_800...3_500).contains(enough), "\(enough) of 4000, spread \(spread), seed \(seed)")
        }
    }

    @Test("the 257th model takes the place of the one learned of longest ago")
    func bounded() {
        var book = TokenBook()
        func learn(_ index: Int) {
            book.learn(model: "\(index)", estimatedInput: 1, actual: Tokens(input: 2, output: 7))
        }
        func knows(_ index: Int) -> Bool {
            book.estimate(model: "\(index)", input: 10, outputBound: nil).input == 20
        }
        for index in 0..<256 { learn(index) }
        learn(0)
        learn(256)
        #expect(book.count == 256 && knows(0) && !knows(1) && knows(2) && knows(256))
        learn(1)
        #expect(book.count == 256 && knows(0) && knows(1) && !knows(2))
    }

    @Test("keeps exactly the last 256 models of any sequence", arguments: seeds(10))
    func order(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var book = TokenBook()
        var recent: [Int] = []
        for _ in 0..<3_000 {
            let index =
                random.chance(percent: 50)
                ? Int.random(in: 0..<100, using: &random) : Int.random(in: 0..<600, using: &random)
            book.learn(model: "\(index)", estimatedInput: 1, actual: Tokens(input: 8, output: 1))
            recent.removeAll { $0 == index }
            recent.append(index)
            if recent.count > 256 { recent.removeFirst() }
        }
        let known = (0..<600).filter { book.estimate(model: "\($0)", input: 1, outputBound: nil).input == 8 }
        #expect(known == recent.sorted(), "seed \(seed)")
    }

    @Test("absurd numbers do not trap and stay within what is believed")
    func overflow() {
        let book = Self.book([(.max, .max, .max), (1, .max, .min), (.max, 1, .max), (.min, .min, 0)])
        let tokens = book.estimate(model: "m", input: .max, outputBound: .max)
        #expect(tokens.input > 0 && tokens.output > 0 && tokens.total < 1 << 40)
        #expect(book.estimate(model: "m", input: .min, outputBound: .min) == .none)
    }
}
