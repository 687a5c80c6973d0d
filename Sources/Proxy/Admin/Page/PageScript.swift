/// What fills the page: it draws what `events` tells, once a second.
///
/// All text goes into text nodes and attributes, never into markup: names come from whoever calls. Each time the whole is
/// made anew and only what differs is put into the page, so that a selection and the focus stay where they are.
enum PageScript {
    static let text = #"""

        'use strict';
        const byId = id => document.getElementById(id);
        const drawn = new Set(['svg', 'path', 'rect']);

        function make(tag, attributes, ...children) {
          const element = drawn.has(tag)
            ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
          for (const [name, value] of Object.entries(attributes)) {
            if (value !== null) element.setAttribute(name, value);
          }
          element.append(...children.flat().filter(child => child !== null));
          return element;
        }

        // Makes a part of the page what a new one is.
        function patch(live, made) {
          for (const name of live.getAttributeNames()) {
            if (!made.hasAttribute(name)) live.removeAttribute(name);
          }
          for (const name of made.getAttributeNames()) {
            const value = made.getAttribute(name);
            if (live.getAttribute(name) !== value) live.setAttribute(name, value);
          }
          const children = [...made.childNodes];
          children.forEach((child, place) => {
            const old = live.childNodes[place];
            if (!old) live.append(child);
            else if (old.nodeName !== child.nodeName) old.replaceWith(child);
            else if (child.nodeType === Node.ELEMENT_NODE) patch(old, child);
            else if (old.data !== child.data) old.data = child.data;
          });
          while (live.childNodes.length > children.length) live.lastChild.remove();
        }

        // Numbers and lengths of time

        const count = new Intl.NumberFormat('en').format;
        const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;
        const sum = numbers => numbers.reduce((all, number) => all + number, 0);
        const size = bytes => `${count(Math.round(bytes / 1048576))} MiB`;

        function time(ms) {
          if (ms < 1000) return `${ms} ms`;
          if (ms < 10000) return `${(ms / 1000).toFixed(1)} s`;
          const seconds = Math.ceil(ms / 1000);
          if (seconds < 120) return `${seconds} s`;
          if (seconds < 7200) return `${Math.ceil(seconds / 60)} min`;
          return `${Math.ceil(seconds / 3600)} h`;
        }

        const ago = ms => ms < 1000 ? 'just now' : `${time(Math.floor(ms / 1000) * 1000).replace('.0', '')} ago`;
        const windows = {1: 'second', 60: 'minute', 3600: 'hour', 86400: 'day'};

        // "requests/60s" → "requests per minute"
        function term(name) {
          if (name === 'in_flight') return 'in flight';
          if (name === 'distinct') return 'under way';
          const [unit, length] = name.split('/');
          const seconds = parseInt(length, 10);
          return `${unit.replace('_', ' ')} per ${windows[seconds] || `${seconds} s`}`;
        }

        // Pieces

        function tile(name, value, note, numbers, what) {
          const most = Math.max(1, ...numbers);
          const kept = 120;
          const points = numbers.map((number, place) =>
            `${kept - numbers.length + place} ${(29 - number / most * 27).toFixed(1)}`);
          const curve = points.length > 1 ? `M${points.join('L')}` : 'M0 29L119 29';
          const area = points.length > 1 ? `${curve}L119 30L${kept - numbers.length} 30Z` : '';
          const label = `${what}, the last two minutes: at most ${count(numbers.length ? Math.max(...numbers) : 0)}`;
          return make('div', {class: 'tile'}, make('p', {}, name), make('b', {}, value),
            make('svg', {viewBox: '0 0 119 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': label},
              make('path', {class: 'area', d: area}), make('path', {class: 'curve', d: curve})),
            make('p', {}, note));
        }

        function tiles(upstream) {
          const past = upstream.last_seconds;
          const lately = past.requests.slice(-5);
          const pace = lately.length ? sum(lately) / lately.length : 0;
          const refusals = past.refused.map((number, place) => number + past.throttled[place]);
          const most = numbers => `at most ${count(Math.max(0, ...numbers))}`;
          const here = sum(past.refused), there = sum(past.throttled);
          return make('div', {class: 'tiles'},
            tile('Requests per second', pace.toFixed(pace < 10 ? 1 : 0), most(past.requests), past.requests,
              'Requests in each second'),
            tile('In flight now', count(upstream.in_flight), most(past.in_flight), past.in_flight,
              'Requests in flight'),
            tile('Waiting now', count(upstream.queued), most(past.queued), past.queued, 'Requests waiting'),
            tile('429s in two minutes', count(here + there), `${count(here)} here, ${count(there)} by the provider`,
              refusals, 'Refusals with 429 in each second'));
        }

        function table(title, heads, rows, empty) {
          const id = `t${++table.number}`;
          const head = make('h3', {id}, title);
          if (!rows.length) return make('section', {}, head, make('p', {class: 'soft'}, empty));
          return make('section', {}, head, make('table', {'aria-labelledby': id},
            make('thead', {}, make('tr', {}, heads.map(([name, style]) =>
              make('th', {scope: 'col', class: style || null}, name)))),
            make('tbody', {}, rows)));
        }

        const cell = (...children) => make('td', {}, ...children);
        const number = text => make('td', {class: 'number'}, text);
        const note = text => make('span', {class: 'soft'}, text);
        const tag = text => make('span', {class: 'tag'}, text);
        const row = (columns, text) => make('tr', {}, make('td', {colspan: columns}, note(text)));

        function use(name, bound) {
          const isFull = bound.used >= bound.value;
          const share = Math.min(100, bound.used / bound.value * 100);
          return make('span', {class: 'use'}, `${count(bound.used)} of ${count(bound.value)} ${term(name)}`,
            isFull ? ' ' : null,
            isFull ? make('span', {class: 'full-word'}, bound.used > bound.value ? 'over' : 'full') : null,
            make('svg', {viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true'},
              make('rect', {class: 'track', width: 100, height: 4}),
              make('rect', {class: isFull ? 'fill full' : 'fill', width: share.toFixed(1), height: 4})));
        }

        const free = ms => ms === 0 ? null : note(`next free ${ms === null ? 'when one ends' : `in ${time(ms)}`}`);
        const terms = one => Object.entries(one).filter(([name, part]) => name !== 'for' && part && part.value);
        const fullness = one => Math.max(...terms(one).map(([, bound]) => bound.used / bound.value));

        function limitRow(limit, one) {
          const whom = Object.entries(one.for || {}).map(([name, value]) => `${name} ${value}`).join(', ');
          return make('tr', {},
            cell(limit.name, note(whom || 'for all together'),
              limit.mode === 'observe' ? tag('only observed') : null,
              one.used_share_percent ? tag(`${one.used_share_percent} % of it, after refusals`) : null,
              one.paused_ms ? tag(`paused for ${time(one.paused_ms)}`) : null),
            cell(terms(one).map(([name, bound]) => use(name, bound)), free(one.next_free_ms)),
            number(count(one.queued)));
        }

        function limits(upstream) {
          const rows = upstream.limits.flatMap(limit => {
            const busy = limit.in_use.filter(one => !one.for || one.queued || fullness(one))
              .sort((a, b) => b.queued - a.queued || fullness(b) - fullness(a));
            return [...busy.map(one => limitRow(limit, one)), limit.count > busy.length
              ? row(3, `${limit.name}: ${count(limit.count - busy.length)} more, with less or nothing in use`) : null];
          }).filter(row => row);
          return table('Limits and how full they are', [['Limit'], ['In use', 'used'], ['Waiting', 'number']], rows,
            upstream.limits.length ? 'Nobody has met a limit yet.' : 'This upstream has no limits.');
        }

        function why(wait) {
          if (!wait) return null;
          const end = wait.ends_in_ms ? `, ${time(wait.ends_in_ms)} left` : '';
          return note(`held back by ${wait.reason}${end}`);
        }

        function tenants(upstream) {
          const all = Object.entries(upstream.tenants)
            .sort(([, a], [, b]) => b.queued - a.queued || b.in_flight - a.in_flight);
          const rows = all.map(([name, one]) => make('tr', {}, cell(name, why(one.wait)),
            number(count(one.in_flight)), number(count(one.queued)), number(one.wait ? time(one.wait.ms) : '–')));
          const rest = upstream.tenant_count - all.length;
          if (rest > 0) rows.push(row(4, `and ${count(rest)} more`));
          const what = upstream.fair_by[0] || 'tenant';
          return table('Who is at work, who waits and why',
            [[what[0].toUpperCase() + what.slice(1)], ['In flight', 'number'], ['Waiting', 'number'],
              ['Longest wait', 'number']],
            rows, 'Nobody at the moment.');
        }

        function refusals(upstream) {
          const rows = upstream.refusals.map(one => make('tr', {},
            cell(one.tenant, note(one.reason)), number(one.status), number(ago(one.last_ms_ago)),
            number(count(one.count))));
          return table('What Penstock refused lately',
            [['Whom, and why'], ['Status', 'number'], ['When last', 'number'], ['Times', 'number']], rows,
            'Nothing since the start.');
        }

        function notes(upstream) {
          const notes = [];
          if (upstream.paused_ms) {
            notes.push(`Paused: the provider said when to come back. It goes on in ${time(upstream.paused_ms)}.`);
          }
          const breaker = upstream.breaker;
          if (breaker && breaker.state === 'open') {
            notes.push(`Left alone because it failed too often. Next probe in ${time(breaker.next_probe_ms)}.`);
          } else if (breaker && breaker.state === 'probing') {
            notes.push('Left alone because it failed too often. A probe is under way.');
          }
          return notes.length ? make('ul', {class: 'notes'}, notes.map(text => make('li', {}, text))) : null;
        }

        function pool(upstream) {
          const {pool, retry_budget: budget} = upstream;
          const parts = [
            `${plural(pool.active + pool.idle, 'connection', 'connections')} to the provider`
              + ` (${pool.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'}): ${count(pool.active)} in use,`
              + ` ${count(pool.idle)} idle, ${count(pool.connecting)} being made`,
            `${count(budget.used)} of ${count(budget.value)} repetitions in the last minute`];
          if (upstream.breaker) parts.push(`breaker ${upstream.breaker.state}`);
          if (upstream.adaptive_limit !== null) {
            parts.push(`at most ${count(upstream.adaptive_limit)} in flight for now (adaptive)`);
          }
          return make('p', {class: 'soft pool'}, parts.join(' · '));
        }

        function article(name, upstream) {
          const id = `u${++table.number}`;
          return make('article', {'aria-labelledby': id},
            make('div', {class: 'head'}, make('h2', {id}, name),
              make('p', {class: 'soft'}, `${upstream.url} · ${upstream.provider}`)),
            notes(upstream), tiles(upstream),
            make('div', {class: 'tables'}, limits(upstream),
              make('div', {class: 'stack'}, tenants(upstream), refusals(upstream))),
            pool(upstream));
        }

        function processFacts(status) {
          const {memory, connections, descriptors, level, loop_lag_ms: lag} = status.guard;
          const of = (value, bound, text) => bound === null ? text(value) : `${text(value)} of ${text(bound)}`;
          const facts = [
            ['Callers’ connections', of(connections.open, connections.value, count)],
            ['Memory', of(memory.resident, memory.bound, size)],
            ['Kept of requests and answers', size(memory.buffered)],
            ['Open files', descriptors.open === null ? '–' : of(descriptors.open, descriptors.value, count)],
            ['Latest event loop', `${time(lag)} late`], ['Protects itself', level === 'calm' ? 'no need' : level]];
          return make('section', {class: 'process', 'aria-labelledby': 'process'},
            make('h2', {id: 'process'}, 'This process'),
            make('dl', {}, facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)))));
        }

        // The whole

        function say(text, style) {
          const state = byId('state');
          if (state.textContent !== text) state.textContent = text;
          state.className = style;
        }

        function sayState(status) {
          const held = Object.entries(status.upstreams).flatMap(([name, {paused_ms: pause, breaker}]) =>
            pause ? [`${name} paused`] : breaker && breaker.state !== 'closed' ? [`${name} left alone`] : []);
          if (status.draining) say('Draining: takes no new requests', 'bad');
          else if (!status.ready) say('Not ready', 'bad');
          else if (held.length) say(`Ready; ${held.join(', ')}`, 'warn');
          else say('Ready', '');
        }

        function show(status) {
          const upstreams = Object.values(status.upstreams);
          const total = of => sum(upstreams.map(of));
          const [flying, waiting] = [total(one => one.in_flight), total(one => one.queued)];
          const [came, refused, throttled] = ['requests', 'refused', 'throttled']
            .map(member => total(one => sum(one.last_seconds[member])));
          byId('version').textContent = status.version;
          byId('now').textContent =
            `${count(flying)} with providers, ${count(waiting)} waiting here. In the last two minutes: `
            + `${plural(came, 'request', 'requests')}, ${count(refused)} refused here, `
            + `${count(throttled)} refused by providers.`;
          sayState(status);
          table.number = 0;
          const main = make('main', {id: 'live'},
            Object.entries(status.upstreams).map(([name, upstream]) => article(name, upstream)),
            processFacts(status));
          patch(byId('live'), main);
          document.body.className = '';
          seen = new Date();
        }

        let source = null;
        let seen = null;

        function connect() {
          if (source) source.close();
          source = new EventSource('events');
          source.onmessage = event => show(JSON.parse(event.data));
          source.onerror = () => {
            const since = seen ? ` What you see is of ${seen.toLocaleTimeString()}.` : '';
            say(`No connection; trying again.${since}`, 'bad');
            document.body.className = 'stale';
            // A browser gives up by itself where an answer is no stream.
            if (source && source.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || connect(), 2000);
          };
        }

        // Who does not look costs nothing.
        document.addEventListener('visibilitychange', () => {
          if (!document.hidden) return connect();
          if (source) source.close();
          source = null;
        });

        for (const button of document.querySelectorAll('button[data-path]')) {
          button.addEventListener('click', async () => {
            if (button.dataset.question && !confirm(button.dataset.question)) return;
            try {
              const answer = await fetch(button.dataset.path, {method: 'POST'});
              byId('said').textContent = (await answer.text()).trim();
            } catch {
              byId('said').textContent = 'No answer.';
            }
          });
        }

        connect();

        """#
}
