/// A count, or a place in a list, kept in four bytes: of nodes and of asks that wait there are many.
@propertyWrapper
struct Compact: Hashable, Sendable {
    private var value: Int32

    init(wrappedValue: Int) { value = Int32(wrappedValue) }

    var wrappedValue: Int {
        get { Int(value) }
        set { value = Int32(newValue) }
    }
}
