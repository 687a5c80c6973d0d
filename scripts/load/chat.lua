-- For wrk: a chat completion of 1 KiB.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Tenant-Id"] = "acme"
wrk.body = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "'
    .. string.rep("What is a penstock? ", 50) .. '"}]}'
