import Testing

@testable import Admission

@Suite("Waiting room")
struct WaitingRoomTests {
    private func entry(deadline: Int) -> WaitingRoom.Entry {
        WaitingRoom.Entry(
            flow: 1, sequence: 1, since: .start, deadline: .after(.seconds(deadline)), heldBy: -1,
            reserve: .none)
    }

    @Test("the next deadline is that of the ask with the least time left or the shortest delay")
    func deadlines() {
        var room = WaitingRoom()
        #expect(room.nextDeadline == .never)
        let late = room.insert(entry(deadline: 9))
        let early = room.insert(entry(deadline: 5))
        #expect(room.nextDeadline == .after(.seconds(5)))
        room.delay(late, until: .after(.seconds(2)))
        #expect(room.nextDeadline == .after(.seconds(2)))
        #expect(room.nextDue(now: .after(.seconds(1))) == nil)
        #expect(room.nextDue(now: .after(.seconds(2))) == late && !room[late].isDelayed)
        #expect(room.nextExpired(now: .after(.seconds(5))) == early)
        room.remove(early)
        #expect(room.nextExpired(now: .after(.seconds(5))) == nil && room.count == 1)
    }

    @Test("a ticket is void once its ask has left, even when the place is used again")
    func tickets() {
        var room = WaitingRoom()
        let place = room.insert(entry(deadline: 9))
        let ticket = room.ticket(at: place)
        #expect(room.holds(ticket))
        room.remove(place)
        #expect(!room.holds(ticket))
        #expect(room.insert(entry(deadline: 9)) == place)
        #expect(!room.holds(ticket))
    }
}
