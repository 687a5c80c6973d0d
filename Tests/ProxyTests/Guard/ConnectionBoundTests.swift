import Testing

@testable import Proxy

@Suite("How many connections are taken")
struct ConnectionBoundTests {
    @Test(
        "is what the policy says, where there are descriptors for it",
        arguments: [
            (10_000, nil, 10_000, 256), (10_000, 1_048_576, 10_000, 256), (10_000, 20_328, 10_000, 256),
            (100, 1024, 100, 16), (1, nil, 1, 16),
        ] as [(Int, Int?, Int, Int)])
    func enough(configured: Int, descriptors: Int?, most: Int, margin: Int) {
        let bound = ConnectionBound(configured: configured, descriptors: descriptors, workers: 2)
        #expect(bound.most == most)
        #expect(bound.margin == margin)
        #expect(bound.warning == nil)
    }

    @Test(
        "is less where there are not, and never nothing",
        arguments: [(10_000, 1024, 460), (10_000, 20_327, 9_999), (10_000, 64, 1), (470, 1024, 461), (5, 20, 1)])
    func scarce(configured: Int, descriptors: Int, most: Int) throws {
        let bound = ConnectionBound(configured: configured, descriptors: descriptors, workers: 2)
        #expect(bound.most == most)
        let warning = try #require(bound.warning)
        #expect(warning.hasPrefix("ulimit -n is \(descriptors): at most \(most) connections are taken"))
        // What it advises is enough, and one less is not.
        let needed = try #require(warning.split(separator: " ").last.flatMap { Int($0) })
        #expect(ConnectionBound(configured: configured, descriptors: needed, workers: 2).most == configured)
        #expect(ConnectionBound(configured: configured, descriptors: needed - 1, workers: 2).warning != nil)
    }

    @Test(
        "leaves descriptors for everything else",
        arguments: [256, 1024, 4096, 20_000], [1, 2, 16])
    func reserve(descriptors: Int, workers: Int) {
        let bound = ConnectionBound(configured: 1_000_000, descriptors: descriptors, workers: workers)
        let used = 2 * bound.most + bound.margin + 4 * workers
        #expect(descriptors - used >= 64)
    }

    @Test(
        "gets low priority refused before it is reached",
        arguments: [
            (100, 90, .calm), (100, 91, .saving), (100, 95, .saving), (100, 96, .sheddingLow), (1, 1, .calm),
            (1, 2, .sheddingLow), (8, 8, .calm),
        ] as [(Int, Int, GuardLevel)])
    func levels(most: Int, open: Int, level: GuardLevel) {
        #expect(ConnectionBound(configured: most, descriptors: nil, workers: 1).level(at: open) == level)
    }
}
