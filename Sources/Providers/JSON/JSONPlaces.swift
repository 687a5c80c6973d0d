/// The places of a JSON text that somebody wants to know about, as a tree of names.
///
/// Arrays are transparent, as in ``JSONPath``: `choices.delta.content` is that member of each element.
struct JSONPlaces: Sendable {
    /// What a reader calls a place; several paths may lead to the same mark.
    typealias Mark = UInt8

    /// No mark: nobody wants what stands here, though names further down may be wanted.
    static let unmarked: Mark = 0
    static let root = 0

    private struct Node {
        var name = ShortText()
        var mark = JSONPlaces.unmarked
        var children: Range<Int> = 0..<0
        /// A bit for each length of a child's name.
        var lengths: UInt64 = 0
        /// A bit for each first byte of a child's name, modulo 64.
        var initials: UInt64 = 0
    }

    private var nodes: [Node]

    /// - Parameters:
    ///   - root: the mark of the whole text.
    ///   - paths: names with dots between them, each at most 32 bytes; of equal paths the last counts.
    init(root: Mark = unmarked, _ paths: [(String, Mark)]) {
        nodes = [Node(mark: root)]
        var below: [[(names: ArraySlice<Substring>, mark: Mark)]] = [
            paths.map { ($0.0.split(separator: ".")[...], $0.1) }
        ]
        // Breadth first, so that the children of a node stand side by side.
        var index = 0
        while index < nodes.count {
            let first = nodes.count
            for (names, mark) in below[index] {
                guard let name = names.first.map({ ShortText(String($0)) }) else {
                    nodes[index].mark = mark
                    continue
                }
                let place = (first..<nodes.count).first { nodes[$0].name == name } ?? nodes.count
                if place == nodes.count {
                    nodes.append(Node(name: name))
                    below.append([])
                }
                below[place].append((names.dropFirst(), mark))
            }
            nodes[index].children = first..<nodes.count
            for child in nodes[first...] {
                nodes[index].lengths |= 1 << UInt64(child.name.count)
                nodes[index].initials |= 1 << UInt64(child.name[0] & 63)
            }
            index += 1
        }
        precondition(nodes.count < Int(UInt8.max), "a byte for each node")
    }

    /// The node of a member, where any path leads through it.
    func child(of node: Int, named name: ShortText) -> Int? {
        guard name.fits else { return nil }
        for child in nodes[node].children where nodes[child].name == name { return child }
        return nil
    }

    /// The same for a name that lies in one piece and has no escapes.
    func child(of node: Int, named bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard (1...ShortText.capacity).contains(range.count) else { return nil }
        // Most members are told apart from all that are wanted by these two.
        guard nodes[node].lengths & 1 << UInt64(range.count) != 0,
            nodes[node].initials & 1 << UInt64(bytes[range.lowerBound] & 63) != 0
        else { return nil }
        var name = ShortText()
        name.append(bytes, range)
        return child(of: node, named: name)
    }

    func mark(of node: Int) -> Mark { nodes[node].mark }
}
