/// What each model's requests usually take: how far the estimate from a text's length is off, and how long answers are.
///
/// At most ``capacity`` models; the one that was learned of longest ago makes room for a new one.
struct TokenBook: Sendable {
    static let capacity = 256

    private var places: [String: Int] = [:]
    /// In a ring, latest first, through entry 0, which stands for no model.
    private var entries = [Entry(model: "")]

    private struct Entry: Sendable {
        var model: String
        var usage = ModelUsage()
        var newer = 0
        var older = 0
    }

    /// The tokens to keep for a request.
    ///
    /// - Parameters:
    ///   - input: estimated from the request's text.
    ///   - outputBound: the most that the request allows the answer to have; `nil` where it does not say.
    func estimate(model: String, input: Int, outputBound: Int?) -> Tokens {
        let usage = places[model].map { entries[$0].usage } ?? ModelUsage()
        return Tokens(input: usage.input(estimated: input), output: usage.output(bound: outputBound))
    }

    /// What a request really took whose input had been estimated from its text.
    mutating func learn(model: String, estimatedInput: Int, actual: Tokens) {
        let place = places[model] ?? add(model)
        entries[place].usage.learn(estimatedInput: estimatedInput, actual: actual)
        unlink(place)
        linkAsNewest(place)
    }

    var count: Int { places.count }

    private mutating func add(_ model: String) -> Int {
        var place = entries.count
        if place <= Self.capacity {
            entries.append(Entry(model: model, newer: place, older: place))
        } else {
            place = entries[0].newer
            unlink(place)
            places[entries[place].model] = nil
            entries[place] = Entry(model: model, newer: place, older: place)
        }
        places[model] = place
        return place
    }

    /// The oldest stands before entry 0, the newest after it.
    private mutating func linkAsNewest(_ place: Int) {
        let second = entries[0].older
        (entries[place].newer, entries[place].older) = (0, second)
        entries[second].newer = place
        entries[0].older = place
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (entries[place].newer, entries[place].older)
        entries[newer].older = older
        entries[older].newer = newer
    }
}

/// One model's averages over its last requests, in 256ths of a token. The first sixteen count alike, then each counts a
/// sixteenth, so that an average neither hangs on the first request nor forgets the usual over a single odd one.
private struct ModelUsage: Sendable {
    private var inputs: Int64 = 0
    private var estimatedInput: Int64 = 0
    private var actualInput: Int64 = 0
    private var outputs: Int64 = 0
    private var output: Int64 = 0
    private var deviation: Int64 = 0

    private static let one: Int64 = 256
    private static let memory: Int64 = 16
    /// More tokens than this count as so many: a thousand times the longest context there is.
    private static let most = 1 << 30

    // MARK: Estimates

    /// The ratio of two averages and not an average of ratios: a hello, whose few tokens of framing are many times its
    /// text, would else have long texts held for many times their size. At least an eighth and at most eight times the
    /// estimate, rounded up.
    func input(estimated: Int) -> Int {
        let given = Int64(min(max(0, estimated), Self.most))
        guard estimatedInput > 0 else { return Int(given) }
        let ratio = min(max(actualInput * Self.ratioOne / estimatedInput, Self.ratioOne / 8), Self.ratioOne * 8)
        return Int((given * ratio + Self.ratioOne - 1) / Self.ratioOne)
    }

    private static let ratioOne: Int64 = 1 << 16

    /// The mean would be too little for every other request; with one mean absolute deviation more it is enough for
    /// about four of five, whether lengths are spread normally (79 %) or exponentially (82 %). What was too much comes
    /// back when the answer has ended; keeping enough for nearly all would leave much of the limit unused meanwhile.
    func output(bound: Int?) -> Int {
        let bound = bound.map { max(0, $0) } ?? .max
        guard outputs > 0 else { return bound <= Self.tellingBound ? bound : Self.unknownOutput }
        return min(bound, Int((output + deviation + Self.one - 1) / Self.one))
    }

    /// Before anything is known, a small bound says what is expected; a large one is only what the model can do, and a
    /// dozen of those would hold a limit of 200 000 a minute.
    private static let tellingBound = 4096
    /// A page or two of text: longer than most answers, short enough for a first few at once.
    private static let unknownOutput = 1024

    // MARK: Learning

    mutating func learn(estimatedInput text: Int, actual: Tokens) {
        if text > 0, actual.input > 0 {
            inputs = min(inputs + 1, Self.memory)
            Self.move(&estimatedInput, to: Self.scaled(text), weight: inputs)
            Self.move(&actualInput, to: Self.scaled(actual.input), weight: inputs)
        }
        let sample = Self.scaled(actual.output)
        let isFirst = outputs == 0
        outputs = min(outputs + 1, Self.memory)
        // After one sample half of it, as TCP assumes of its round-trip time (RFC 6298 §2.2).
        Self.move(&deviation, to: isFirst ? sample / 2 : abs(sample - output), weight: outputs)
        Self.move(&output, to: sample, weight: outputs)
    }

    private static func scaled(_ tokens: Int) -> Int64 { Int64(min(max(0, tokens), most)) * one }

    /// Rounded to the nearest, so that an average reaches what all samples agree on.
    private static func move(_ average: inout Int64, to sample: Int64, weight: Int64) {
        let difference = sample - average
        average += (difference + (difference < 0 ? -weight / 2 : weight / 2)) / weight
    }
}
