import Admission
import SharedLimits

extension Property {
    /// Replies are read alike in any pieces, and whatever they say, an answer made of them is within what can be.
    static let resp = Property("resp") { bytes in
        let read = try Pieces.agreed(on: bytes, replies)
        for case .value(let value) in read {
            guard let answer = TurnCoding.answer(value, to: turn) else { continue }
            try require(answer.cells.count == turn.cells.count, "\(answer.cells.count) cells")
            for (grant, ask) in zip(answer.grants, turn.asks) {
                try require(grant.delays.count <= ask.units.count, "more was granted than asked")
                try require(grant.delays.allSatisfy { $0 <= SharedTurn.horizon }, "an instant too far ahead")
            }
        }
    }

    private enum Read: Equatable {
        case value(RESPValue)
        case failure(RESPParser.Failure)
    }

    private static func replies(_ pieces: [ArraySlice<UInt8>]) -> [Read] {
        var parser = RESPParser()
        var read: [Read] = []
        for piece in pieces {
            parser.append(piece)
            do throws(RESPParser.Failure) {
                while let value = try parser.next() { read.append(.value(value)) }
            } catch {
                return read + [.failure(error)]
            }
        }
        return read
    }

    /// One of each kind.
    private static let turn: SharedTurn = {
        let pace = SharedPace(gap: .milliseconds(120), span: .seconds(60), burst: 125)
        let kinds: [SharedTurn.Kind] = [
            .paced(pace, more: 0, back: 0, risk: 0), .counted(most: 16, held: 3),
            .daily(most: 10, day: 1, end: StoreTime(microseconds: 1), more: 0, known: 0),
        ]
        let cells = kinds.map { SharedTurn.Cell(key: "a", isOwn: false, pause: .zero, kind: $0) }
        let ask = SharedTurn.Ask(share: "t", step: 1, cells: [0, 1, 2], units: [[1, 1, 1], [1, 1, 1]])
        return SharedTurn(number: 1, epoch: "", promise: .zero, pause: .zero, cells: cells, asks: [ask])
    }()
}
