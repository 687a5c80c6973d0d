import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// This program once more, in a process that nothing has been measured in before: memory that was freed is taken again
/// without the process growing.
enum OwnProcess {
    /// Runs it to its end, with the same standard output, and returns its exit code.
    static func run(_ arguments: [String]) throws -> Int {
        let program = CommandLine.arguments[0]
        var strings = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var process = pid_t()
        fflush(nil)
        guard posix_spawnp(&process, program, nil, nil, &strings, environ) == 0 else {
            throw ValidationError("\(program) can't be started again")
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw ValidationError("\(program) can't be waited for") }
        }
        // The exit code in bits 8 to 15, the signal that ended it below (wait(2)).
        guard status & 0x7F == 0 else { throw ValidationError("\(program) was ended by signal \(status & 0x7F)") }
        return Int(status >> 8) & 0xFF
    }
}
