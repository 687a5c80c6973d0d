/// How the page looks: in light and dark, on a phone and on a wall. Contrasts are those of WCAG 2.2, level AA, at least.
enum PageStyle {
    static let text = #"""

        :root {
          --ground: #f3f5f8; --card: #fff; --ink: #1b2129; --soft: #56606d; --line: #dde2e9;
          --blue: #0f5fb8; --blue-soft: #dce9f8; --amber: #9a4b00; --amber-soft: #fdeed9; --red: #b3261e;
          --green: #1a7f37; --track: #e6eaf0;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0e1217; --card: #171c24; --ink: #e8ecf1; --soft: #a3adba; --line: #2a323d;
            --blue: #6cb2ff; --blue-soft: #17304d; --amber: #f5b454; --amber-soft: #3a2a10; --red: #ff8a80;
            --green: #5fd07f; --track: #262e39;
          }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none; }
        body {
          margin: 0 auto; max-width: 92rem; padding: 1rem clamp(.75rem, 2.5vw, 2.5rem);
          background: var(--ground); color: var(--ink);
          font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
        }
        h1, h2, h3, p, ul { margin: 0; }
        a { color: var(--blue); }
        :focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; border-radius: 4px; }
        .bar, .head { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; }
        h1 { display: flex; align-items: center; gap: .55rem; font-size: 1.5rem; letter-spacing: -.01em; }
        h1 svg { width: 1.9rem; height: 1.9rem; fill: #0f5fb8; }
        h1 path { stroke: #fff; stroke-width: 3; stroke-linecap: round; }
        h1 small, .soft, th, .tile p, footer, dt { color: var(--soft); }
        h1 small { font-size: .85rem; font-weight: 400; }
        #state { margin-left: auto; font-weight: 600; }
        #state:empty { display: none; }
        #state::before { content: "●"; margin-right: .4em; color: var(--green); }
        #state.warn::before { content: "▲"; color: var(--amber); }
        #state.bad::before { content: "■"; color: var(--red); }
        .lead { max-width: 62rem; margin-top: .5rem; color: var(--soft); }
        #now { margin-top: .5rem; font-size: 1.1rem; font-weight: 600; }
        .changes { margin-top: .75rem; }
        button {
          font: inherit; padding: .3rem .9rem; border: 1px solid var(--soft); border-radius: 6px;
          background: var(--card); color: var(--ink); cursor: pointer;
        }
        article, section.process {
          margin-top: 1rem; padding: clamp(.75rem, 1.5vw, 1.25rem);
          background: var(--card); border: 1px solid var(--line); border-radius: 12px;
        }
        h2 { font-size: 1.2rem; overflow-wrap: anywhere; }
        .head .soft { font-size: .875rem; overflow-wrap: anywhere; }
        h3 { margin: 0 0 .3rem; font-size: .95rem; }
        .notes { display: grid; gap: .4rem; margin-top: .6rem; padding: 0; list-style: none; }
        .notes li {
          padding: .4rem .7rem; border-left: 4px solid var(--amber); border-radius: 4px;
          background: var(--amber-soft);
        }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .6rem; }
        .tiles { margin: .9rem 0; }
        .tile { min-width: 0; padding: .5rem .65rem; border: 1px solid var(--line); border-radius: 8px; }
        .tile p { font-size: .8rem; }
        .tile b { font-size: 1.45rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
        .tile svg { display: block; width: 100%; height: 2.4rem; margin: .2rem 0 .3rem; }
        .tile .area { fill: var(--blue-soft); }
        .tile .curve { fill: none; stroke: var(--blue); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
        .tables, .stack { display: grid; gap: 1.1rem 2.2rem; align-content: start; }
        .tables > *, .stack > * { min-width: 0; }
        @media (min-width: 62rem) {
          .tables { grid-template-columns: 1fr 1fr; }
        }
        table { width: 100%; border-collapse: collapse; }
        th {
          padding: .2rem .6rem .2rem 0; text-align: left; font-size: .8rem; font-weight: 500; vertical-align: bottom;
        }
        td { padding: .4rem .6rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top; }
        td:first-child { overflow-wrap: anywhere; font-weight: 600; }
        td .soft { display: block; font-size: .85rem; font-weight: 400; }
        th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
        td.number { white-space: nowrap; }
        th:last-child, td:last-child { padding-right: 0; }
        .use { display: block; font-size: .85rem; font-variant-numeric: tabular-nums; }
        .use + .use { margin-top: .35rem; }
        .use + .soft { margin-top: .25rem; }
        .use svg { display: block; width: 100%; height: .45rem; margin-top: .15rem; border-radius: 3px; }
        .use .track { fill: var(--track); }
        .use .fill { fill: var(--blue); }
        .use .fill.full { fill: var(--amber); }
        .full-word { color: var(--amber); font-weight: 700; }
        .used { width: 46%; }
        .pool { margin-top: .9rem; font-size: .85rem; }
        .tag {
          display: inline-block; margin-top: .15rem; padding: 0 .4rem; border-radius: 4px; font-size: .8rem;
          font-weight: 400; background: var(--amber-soft); color: var(--amber);
        }
        dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem 1.2rem; }
        dl { margin: .5rem 0 0; }
        dt { font-size: .8rem; }
        dd { margin: 0; font-variant-numeric: tabular-nums; }
        pre { overflow-x: auto; padding: .75rem; background: var(--card); border: 1px solid var(--line); }
        footer { margin: 1rem 0 .5rem; font-size: .85rem; }
        .stale main { opacity: .65; }
        @media (max-width: 30rem) {
          body { font-size: 14px; }
          #now { font-size: 1rem; }
          .tiles { grid-template-columns: 1fr 1fr; }
          td, th { padding-right: .4rem; }
          #state { margin-left: 0; width: 100%; }
        }
        @media (prefers-reduced-motion: no-preference) {
          .use rect { transition: width .4s; }
        }

        """#
}
