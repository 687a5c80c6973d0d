#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A value behind a lock on whose changes a thread can wait, which `Mutex` does not offer.
///
/// Unchecked, because the compiler does not see what makes it safe: `value` is private and touched in `init`, before
/// anybody else has the monitor, and otherwise only by methods that hold `lock` for as long as they do; it is `Sendable`
/// itself, so a copy of it that leaves them is safe; `lock` and `changed` are constants that point to memory of their own,
/// which keeps its address from `init` to `deinit`, as pthreads ask for, and which `deinit` frees when no reference is
/// left.
final class Monitor<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    init(_ value: Value) {
        self.value = value
        self.lock = .allocate(capacity: 1)
        self.lock.initialize(to: pthread_mutex_t())
        pthread_mutex_init(lock, nil)
        self.changed = .allocate(capacity: 1)
        self.changed.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        changed.deallocate()
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Looks at the value, changes nothing.
    func read<Result>(_ body: (Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body(value)
    }

    /// Changes the value and wakes whoever waits for a change.
    func update<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(lock)
        }
        return body(&value)
    }

    /// Waits until the condition holds, then changes the value in the same turn.
    func waiting<Result>(until condition: (Value) -> Bool, then body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while !condition(value) { pthread_cond_wait(changed, lock) }
        return body(&value)
    }

    /// Waits until the condition holds or the time is over; says whether it holds.
    func wait(atMostNanoseconds timeout: Int64, until condition: (Value) -> Bool) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = Int64(end.tv_nsec) + max(timeout, 0) % 1_000_000_000
        end.tv_sec += Int(max(timeout, 0) / 1_000_000_000 + nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while !condition(value) {
            if pthread_cond_timedwait(changed, lock, &end) == ETIMEDOUT { return condition(value) }
        }
        return true
    }
}
