/// What `/proc/self/stat` says about a process (proc_pid_stat(5)).
struct ProcessStat: Equatable {
    /// In clock ticks, user and system together.
    var cpuTicks: Int64
    var threads: Int64
    /// In clock ticks since the machine started.
    var startTicks: Int64
    var virtualBytes: Int64
    var residentPages: Int64

    /// Nil for a text that is cut short or not of this form.
    init?(_ text: some Collection<UInt8>) {
        // The command's name stands in parentheses and may hold spaces and parentheses itself: only the last one ends it.
        guard let end = text.indices.reversed().first(where: { text[$0] == UInt8(ascii: ")") }) else { return nil }
        let fields = text[text.index(after: end)...].split { $0 == 0x20 || $0 == 0x0A }
        // fields[0] is field 3 of the manual page, the state.
        func number(_ field: Int) -> Int64? {
            fields.indices.contains(field - 3) ? Int64(String(decoding: fields[field - 3], as: UTF8.self)) : nil
        }
        guard let user = number(14), let system = number(15), let threads = number(20), let start = number(22),
            let virtual = number(23), let resident = number(24)
        else { return nil }
        self.cpuTicks = user + system
        self.threads = threads
        self.startTicks = start
        self.virtualBytes = virtual
        self.residentPages = resident
    }

    /// The line `btime` of `/proc/stat`: when the machine started, in seconds since 1970.
    static func bootTime(_ text: some Collection<UInt8>) -> Int64? {
        for line in text.split(separator: 0x0A) where line.starts(with: "btime ".utf8) {
            return Int64(String(decoding: line.dropFirst("btime ".utf8.count), as: UTF8.self))
        }
        return nil
    }
}
