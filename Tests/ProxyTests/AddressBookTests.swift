import Admission
import NIOCore
import Rehearsal
import Testing

@testable import Proxy

@Suite("What is known of where a name leads")
struct AddressBookTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func address(_ text: String) -> SocketAddress {
        do { return try SocketAddress(ipAddress: text, port: 0) } catch { preconditionFailure("\(text) is an address") }
    }

    private static let one = address("192.0.2.1")
    private static let two = address("192.0.2.2")
    private static let three = address("192.0.2.3")
    private static let six = address("2001:db8::6")

    private static func book(of addresses: [SocketAddress]) -> AddressBook {
        var book = AddressBook()
        _ = book.look(now: start)
        book.resolved(addresses, now: start)
        return book
    }

    @Test("The resolver is asked once, however many wait")
    func asksOnce() {
        var book = AddressBook()
        #expect(book.look(now: Self.start) == (.wait, true))
        #expect(book.look(now: Self.start + .seconds(90)) == (.wait, false))
    }

    @Test(
        "An answer counts, then counts while the resolver is asked again, then only where the resolver has none",
        arguments: [
            (0, AddressBook.Answer.addresses([one]), false), (5, .addresses([one]), false),
            (6, .addresses([one]), true),
            (60, .addresses([one]), true), (61, .wait, true), (100_000, .wait, true),
        ])
    func ages(seconds: Int, answer: AddressBook.Answer, asks: Bool) {
        var book = Self.book(of: [Self.one])
        #expect(book.look(now: Self.start + .seconds(seconds)) == (answer, asks))
    }

    @Test("A resolver that is asked and silent is not asked again, and what was known stays in use")
    func silent() {
        var book = Self.book(of: [Self.one])
        #expect(book.look(now: Self.start + .seconds(6)) == (.addresses([Self.one]), true))
        #expect(book.look(now: Self.start + .seconds(30)) == (.addresses([Self.one]), false))
        #expect(book.look(now: Self.start + .seconds(90)) == (.wait, false))
        #expect(book.known(now: Self.start + .seconds(90)) == .addresses([Self.one]))
        #expect(book.known(now: Self.start + .hours(2)) == .wait)
    }

    @Test("A resolver that can't say now leaves what it said before; one that knows of no such name does not")
    func failures() {
        let later = Self.start + .minutes(10)
        var book = Self.book(of: [Self.one])
        _ = book.look(now: later)
        book.failed(.temporary, now: later)
        #expect(book.look(now: later) == (.addresses([Self.one]), false))
        #expect(book.look(now: later + .seconds(2)) == (.wait, true))
        book.failed(.unknown, now: later + .seconds(2))
        #expect(book.look(now: later + .seconds(3)) == (.failed(.unknown), false))
        #expect(book.look(now: later + .seconds(4)) == (.wait, true))
    }

    @Test("Each dial begins at the next address, with the families in turn")
    func order() {
        var book = Self.book(of: [Self.one, Self.two, Self.six, Self.three])
        #expect(book.known(now: Self.start) == .addresses([Self.one, Self.six, Self.two, Self.three]))
        #expect(book.known(now: Self.start) == .addresses([Self.two, Self.six, Self.three, Self.one]))
        #expect(book.known(now: Self.start) == .addresses([Self.three, Self.six, Self.one, Self.two]))
        #expect(book.known(now: Self.start) == .addresses([Self.one, Self.six, Self.two, Self.three]))
    }

    @Test("What failed or was slow is tried last for a while")
    func trouble() {
        var book = Self.book(of: [Self.one, Self.two])
        book.reached(1, of: [Self.one, Self.two], now: Self.start)
        for _ in 0..<3 { #expect(book.known(now: Self.start) == .addresses([Self.two, Self.one])) }
        book.reached(1, of: [Self.two, Self.one], now: Self.start + .seconds(10))
        for _ in 0..<3 { #expect(book.known(now: Self.start + .seconds(10)) == .addresses([Self.one, Self.two])) }
        let later = Self.start + .seconds(71)
        #expect(book.known(now: later) != book.known(now: later))
    }

    @Test("An address needs no resolver and never grows old")
    func fixed() {
        var book = AddressBook(fixed: Self.one)
        #expect(book.look(now: Self.start + .hours(1000)) == (.addresses([Self.one]), false))
    }
}

@Suite("The order of connections")
struct ConnectionOrderTests {
    @Test("agrees with a plain list under random use", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var order = ConnectionOrder()
        var list: [Int] = []
        for step in 0..<300 {
            let number = Int.random(in: 0..<20, using: &random)
            if Bool.random(using: &random) {
                order.append(number)
                if !list.contains(number) { list.append(number) }
            } else {
                order.remove(number)
                list.removeAll { $0 == number }
            }
            let isSame = order.oldest == list.first && order.newest == list.last && order.count == list.count
            #expect(isSame, "seed \(seed), step \(step)")
            if !isSame { return }
        }
        while let oldest = order.oldest {
            #expect(oldest == list.removeFirst(), "seed \(seed)")
            order.remove(oldest)
        }
        #expect(order.isEmpty && list.isEmpty)
    }
}

@Suite("The line for a connection")
struct WaitingLineTests {
    private final class Caller {}

    @Test("agrees with a plain list under random use", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var line = WaitingLine<Caller>()
        var list: [Caller] = []
        var all: [Caller] = []
        for step in 0..<300 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0...1:
                let caller = Caller()
                line.append(caller)
                list.append(caller)
                all.append(caller)
            case 2...3:
                guard let caller = all.randomElement(using: &random) else { continue }
                let wasThere = list.contains { $0 === caller }
                #expect(line.remove(caller) == wasThere, "seed \(seed), step \(step)")
                list.removeAll { $0 === caller }
            default:
                let first = list.isEmpty ? nil : list.removeFirst()
                #expect(line.popFirst() === first, "seed \(seed), step \(step)")
            }
            #expect(line.count == list.count, "seed \(seed), step \(step)")
        }
    }
}
