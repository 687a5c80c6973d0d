/// Something that holds for every input there is, however wrong: what the fuzzer tries to break and the corpus proves
/// in each run of the tests.
struct Property: Sendable, CustomStringConvertible {
    /// Also the name of its folder in the corpus.
    let name: String
    /// Throws a ``Violation`` where it does not hold for these bytes.
    let check: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ check: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.check = check
    }

    var description: String { name }

    static let all: [Property] = [
        .limitNotices, .inflate,
        .jsonWalk, .requestBody, .usageRequest, .eventStream, .eventFrames, .usageMeter, .judgement, .ownAnswer, .texts,
        .target, .policy, .addresses, .requestHead, .router, .chunkPassage, .resp, .simulatorJSON, .simulatorTexts,
    ]

    static func named(_ name: String) -> Property? {
        all.first { $0.name == name }
    }
}

/// What an input has shown to be wrong.
struct Violation: Error, CustomStringConvertible {
    var description: String
}

func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description: sentence()) }
}

func requireEqual<Value: Equatable>(
    _ one: Value, _ other: Value, _ sentence: @autoclosure () -> String
) throws(Violation) {
    if one != other { throw Violation(description: "\(sentence()): \(one) is not \(other)") }
}
