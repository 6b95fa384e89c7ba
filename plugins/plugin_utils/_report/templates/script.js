'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const id = name => document.getElementById(name);
  const order = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});
  const made = (tag, words, more = {}) => Object.assign(document.createElement(tag), {textContent: words, ...more});
  const form = document.querySelector('.find'), output = form.querySelector('output'), flat = id('sorted');

  const hosts = all('.host').map((row, place) => ({
    row, place, home: row.parentElement, inside: row.querySelector('.inside'),
    name: row.querySelector('h3').textContent, verdict: row.dataset.verdict, release: row.dataset.release,
    hardware: row.dataset.hardware, speed: Number(row.dataset.speed) || 0, since: row.dataset.since.split(' ').filter(Boolean),
    text: `${row.querySelector('summary').textContent} ${row.dataset.find}`.toLowerCase(),
  }));
  const sections = all('section.hosts:not(#sorted)').map(section => ({
    section, list: section.querySelector('.list'), title: section.querySelector('h2'),
    words: section.querySelector('h2').textContent,
  }));

  // What is asked for; each part but the target has a word in the address, so that a link carries it.
  const EMPTY = {target: '', q: '', verdict: '', release: '', since: '', sort: '', order: ''};
  let asked = {...EMPTY};

  const parts = address => {
    const found = {...EMPTY};
    for (const part of address.replace(/^#/, '').split('&')) {
      const [key, ...rest] = part.split('=');
      if (!rest.length) { found.target = found.target || key; continue; }
      try { if (key in EMPTY && key !== 'target') found[key] = decodeURIComponent(rest.join('=')); } catch { /* not ours */ }
    }
    return found;
  };
  const address = (target = asked.target) => {
    const words = Object.keys(EMPTY).filter(key => key !== 'target' && asked[key])
      .map(key => `${key}=${encodeURIComponent(asked[key])}`);
    return '#' + [target, ...words].filter(Boolean).join('&');
  };
  let waiting;
  const remember = () => {
    clearTimeout(waiting);
    // Browsers refuse to be given an address too often.
    waiting = setTimeout(() => { try { history.replaceState(null, '', address()); } catch { /* a saved copy */ } }, 150);
    for (const host of hosts.filter(each => each.row.open)) link(host);
  };
  const link = host => {
    const anchor = host.inside.querySelector('.link a');
    if (anchor) anchor.href = address(host.inside.id);
  };

  const matches = (host, words, verdicts) =>
    (!verdicts.length || verdicts.includes(host.verdict))
    && (!asked.release || host.release === asked.release)
    && (!asked.since || (asked.since === 'any' ? host.since.length > 0 : host.since.includes(asked.since)))
    && words.every(word => host.text.includes(word));

  const COMPARE = {
    name: (a, b) => order.compare(a.name, b.name),
    release: (a, b) => order.compare(b.release, a.release),
    hardware: (a, b) => order.compare(a.hardware || '\uffff', b.hardware || '\uffff'),
    speed: (a, b) => b.speed - a.speed,
  };
  let sorted = ' ';
  const sort = () => {
    const wanted = `${asked.sort} ${asked.order}`;
    if (wanted === sorted) return;
    sorted = wanted;
    const compare = COMPARE[asked.sort], turn = asked.order === 'desc' ? -1 : 1;
    const rows = [...hosts].sort((a, b) => turn * (compare ? compare(a, b) || a.place - b.place : a.place - b.place));
    const alone = Boolean(compare) || turn < 0;
    const into = new Map();
    for (const host of rows) {
      const list = alone ? flat.querySelector('.list') : host.home;
      if (!into.has(list)) into.set(list, document.createDocumentFragment());
      into.get(list).append(host.row);
    }
    for (const [list, rowsOfIt] of into) list.append(rowsOfIt);
    flat.querySelector('h2').textContent = `All hosts by ${asked.sort || 'verdict'}${turn < 0 ? ', reversed' : ''}`;
  };

  const apply = () => {
    const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = asked.verdict.split(',').filter(Boolean);
    let shown = 0;
    const seen = new Map();
    for (const host of hosts) {
      const found = matches(host, words, verdicts);
      // A link to a host leads to it whatever else it asks for.
      host.row.hidden = !found && host.inside.id !== asked.target;
      shown += found;
      if (!host.row.hidden) seen.set(host.home, (seen.get(host.home) || 0) + 1);
    }
    sort();
    const alone = Boolean(flat.querySelector('.host'));
    flat.hidden = !alone;
    for (const {section, list, title, words: whole} of sections) {
      const count = seen.get(list) || 0, total = hosts.filter(host => host.home === list).length;
      section.hidden = alone || !count;
      title.textContent = count < total ? `${whole}, ${count} shown` : whole;
    }
    const filtered = shown < hosts.length;
    const said = [asked.q && `\u201c${asked.q}\u201d`, asked.verdict.replaceAll(',', ' or '), asked.release && `Ollama ${asked.release}`,
      asked.since && `since the baseline: ${asked.since}`].filter(Boolean);
    output.textContent = filtered ? `${shown} of ${hosts.length} hosts: ${said.join(', ')}` : `${hosts.length} hosts`;
    output.classList.toggle('filtered', filtered);
    id('find').value === asked.q || (id('find').value = asked.q);
    for (const key of ['release', 'since', 'sort']) if (id(key)) id(key).value = asked[key];
    id('turn').setAttribute('aria-pressed', String(asked.order === 'desc'));
    id('clear').disabled = !Object.keys(EMPTY).some(key => key !== 'target' && asked[key]);
    for (const tile of all('.tiles button')) {
      tile.setAttribute('aria-pressed', String(verdicts.includes(tile.dataset.verdict)));
    }
  };
  const ask = change => { asked = {...asked, ...change}; apply(); remember(); };

  // Details that are not elements of the page yet.
  const unpack = async host => {
    const text = host.inside.dataset.packed;
    if (!text || !window.DecompressionStream) return;
    host.inside.removeAttribute('data-packed');
    const bytes = Uint8Array.from(atob(text), char => char.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    // The templates of the page have escaped it, as they have the rest of the page.
    host.inside.innerHTML = await new Response(plain).text();
    link(host);
  };
  const show = async host => {
    await unpack(host);
    host.row.open = true;
    link(host);
  };
  const follow = async hash => {
    // An address that waits to be shown is of before this one.
    clearTimeout(waiting);
    const found = parts(hash), bare = !hash.includes('=');
    const host = hosts.find(each => each.inside.id === found.target);
    // A link within the page names a place alone, and what is asked for stays.
    asked = {...(bare && found.target ? asked : found), target: host ? found.target : ''};
    apply();
    if (address() !== (location.hash || '#')) remember();
    if (!host) return;
    await show(host);
    host.row.scrollIntoView({block: 'start'});
  };

  const compared = (a, b) => {
    const numbers = a && b ? Number(a) - Number(b) : NaN;
    return Number.isNaN(numbers) ? order.compare(a, b) : numbers;
  };
  const sortable = table => {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = made('button', head.textContent, {type: 'button'});
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') === 'descending' || (!head.hasAttribute('aria-sort') && !column);
        const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
        const rows = [...body.rows].sort((a, b) => (up ? 1 : -1) * compared(value(a), value(b)));
        heads.forEach(other => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        body.append(...rows);
      });
    });
  };

  for (const release of [...new Set(hosts.map(host => host.release))].filter(Boolean).sort(order.compare).reverse()) {
    id('release').append(made('option', release, {value: release}));
  }
  for (const anchor of all('.tiles a')) {
    const verdict = anchor.hash.slice(1), button = made('button', '', {type: 'button'});
    button.dataset.verdict = verdict;
    button.append(...anchor.childNodes);
    button.addEventListener('click', () => {
      const chosen = asked.verdict.split(',').filter(Boolean);
      ask({verdict: (chosen.includes(verdict) ? chosen.filter(each => each !== verdict) : [...chosen, verdict]).join(',')});
    });
    anchor.replaceWith(button);
  }
  for (const code of all('table.asks th[scope=row] code')) {
    const button = made('button', code.textContent, {type: 'button', className: 'ask', title: 'Show the hosts that have it'});
    button.addEventListener('click', () => { ask({q: code.textContent}); output.scrollIntoView({block: 'nearest'}); });
    code.replaceChildren(button);
  }
  all('table.sortable').forEach(sortable);
  id('find').addEventListener('input', event => ask({q: event.target.value.trim()}));
  for (const key of ['release', 'since', 'sort']) id(key)?.addEventListener('change', event => ask({[key]: event.target.value}));
  id('turn').addEventListener('click', () => ask({order: asked.order ? '' : 'desc'}));
  id('clear').addEventListener('click', () => { ask({...EMPTY}); id('find').focus(); });
  id('open').addEventListener('click', () => hosts.filter(host => !host.row.hidden).forEach(show));
  id('shut').addEventListener('click', () => hosts.forEach(host => { host.row.open = false; }));
  id('print').addEventListener('click', () => window.print());
  form.addEventListener('submit', event => event.preventDefault());
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !/^(INPUT|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      id('find').focus();
    } else if (event.key === 'Escape' && event.target === id('find')) ask({q: ''});
  });
  const owner = row => hosts.find(host => host.row === row);
  document.addEventListener('click', event => {
    const summary = event.target.closest?.('.host > summary');
    // It is open after this click where it is not yet.
    if (summary) { asked.target = summary.parentElement.open ? '' : owner(summary.parentElement).inside.id; remember(); }
  });
  document.addEventListener('toggle', event => {
    if (event.target.matches('.host') && event.target.open) { const host = owner(event.target); unpack(host); link(host); }
  }, true);
  window.addEventListener('hashchange', event => follow(new URL(event.newURL).hash));
  // On a narrow page they would push the hosts out of sight.
  const wide = matchMedia('(min-width: 56rem)'), tools = form.querySelector('.tools');
  wide.addEventListener('change', () => { tools.open = wide.matches; });
  tools.open = wide.matches;
  form.hidden = false;
  follow(location.hash);
})();
