import Testing

@testable import penstock

@Suite("Percentiles and fairness")
struct WaitsTests {
    @Test(
        "A percentile is the smallest length that this share does not exceed",
        arguments: [
            ([], 0.5, nil), ([7], 0.5, 7), ([7], 1, 7), ([3, 1, 2], 0.5, 2), ([4, 1, 3, 2], 0.5, 2),
            ([4, 1, 3, 2], 0.51, 3), ([4, 1, 3, 2], 1, 4), ([4, 1, 3, 2], 0.01, 1),
        ] as [([Double], Double, Double?)])
    func percentile(lengths: [Double], share: Double, expected: Double?) {
        #expect(Waits(lengths).percentiles([share]) == [expected])
    }

    @Test("Of 1 to 100 in any order the 95th percentile is 95")
    func hundred() {
        var waits = Waits()
        for length in (1...100).shuffled() { waits.append(Double(length)) }
        #expect(waits.percentiles([0.5, 0.95, 0.99, 1]) == [50, 95, 99, 100])
    }

    @Test(
        "Jain's index is 1 for equal shares and 1/n where one has everything",
        arguments: [
            ([5, 5, 5, 5], 1), ([1, 0, 0, 0], 0.25), ([0, 8], 0.5), ([1, 2, 3], 36.0 / 42), ([0, 0], nil), ([], nil),
        ] as [([Double], Double?)])
    func jain(shares: [Double], expected: Double?) throws {
        guard let expected else { return #expect(JainIndex.of(shares) == nil) }
        #expect(abs(try #require(JainIndex.of(shares)) - expected) < 1e-12)
    }

    @Test(
        "Penstock's part of a Server-Timing header is found",
        arguments: [
            ("penstock-queue;dur=12.3, penstock-upstream;dur=4.5", 12.3), ("penstock-queue;dur=0.0", 0),
            ("db;dur=1, penstock-queue;dur=7", 7), ("penstock-upstream;dur=4.5", nil), ("", nil),
            ("penstock-queue;dur=", nil),
        ] as [(String, Double?)])
    func queueTime(field: String, expected: Double?) {
        #expect(Performance.queueTime(field) == expected)
    }
}
