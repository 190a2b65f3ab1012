(function () {
  'use strict';
  // Filters, sorting and highlighting. Holds no words: they stand in data attributes, so that its hash is the same in all languages.
  var d = document, root = d.documentElement;
  root.classList.remove('nojs'); root.classList.add('js');
  var $ = function (id) { return d.getElementById(id); };
  var list = function (things) { return Array.prototype.slice.call(things); };
  var tables = list(d.querySelectorAll('table.flows'));
  var rows = [];
  tables.forEach(function (t) { rows = rows.concat(list(t.tBodies[0].rows)); });
  var home = rows.slice();
  var size = tables.length ? Math.ceil(rows.length / tables.length) : 1;
  if (tables.length > 1) size = tables[0].tBodies[0].rows.length;
  var q = $('q'), from = $('from'), to = $('to'), st = $('st'), count = $('count'), form = $('filter');
  var texts = new Map(), names = new Map();
  rows.forEach(function (r) { texts.set(r, r.textContent.toLowerCase()); names.set(r.dataset.name, r); });
  var has = function (words, v) { return !v || (' ' + words + ' ').indexOf(' ' + v + ' ') >= 0; };
  function say(n) { count.textContent = count.dataset.tpl.replace('{n}', n).replace('{m}', rows.length); }
  var rounds = 0;
  function reveal() {                             // the first tables at once, the others one in a frame: no pause
    var mine = ++rounds, wanted = tables.filter(function (t) { return list(t.tBodies[0].rows).some(function (r) { return !r.hidden; }); });
    var later = wanted.slice(2);
    if (tables.length < 9) later = [];
    tables.forEach(function (t) { t.parentNode.hidden = wanted.indexOf(t) < 0 || later.indexOf(t) >= 0; });
    function next() {
      if (mine !== rounds) return;
      later.splice(0, 1).forEach(function (t) { t.parentNode.hidden = false; });
      if (later.length) requestAnimationFrame(next);
    }
    if (later.length) requestAnimationFrame(next);
  }
  function show(hit) {                            // hit: the rows to show; null: all
    var n = 0, seen = {};
    rows.forEach(function (r) {
      var on = !hit || hit.has(r);
      if (r.hidden === on) r.hidden = !on;
      if (on) { n++; if (hit) seen[r.dataset.name] = 1; }
    });
    reveal();
    say(n);
    mark(hit ? seen : null);
  }
  function apply() {
    var words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length && !from.value && !to.value && !st.value) return show(null);
    var hit = new Set();
    rows.forEach(function (r) {
      var text = texts.get(r);
      if (has(r.dataset.from, from.value) && has(r.dataset.to, to.value) && (!st.value || r.dataset.st === st.value) &&
        words.every(function (w) { return text.indexOf(w) >= 0; })) hit.add(r);
    });
    show(hit);
  }
  var flows = list(d.querySelectorAll('.zd-flow'));
  function mark(seen) {
    flows.forEach(function (g) {
      var on = !seen || g.dataset.flow.split(' ').some(function (f) { return seen[f]; });
      g.classList.toggle('dim', !on);
    });
  }
  var waiting = 0;
  q.addEventListener('input', function () { clearTimeout(waiting); waiting = setTimeout(apply, rows.length > 500 ? 120 : 0); });
  [from, to, st].forEach(function (e) { e.addEventListener('input', apply); });
  form.addEventListener('submit', function (e) { e.preventDefault(); });
  form.addEventListener('reset', function () { setTimeout(apply, 0); });
  d.querySelectorAll('.matrix a').forEach(function (a) {
    a.addEventListener('click', function (e) {
      e.preventDefault(); form.reset();
      from.value = a.dataset.from; to.value = a.dataset.to; apply();
      $('flows').scrollIntoView(); from.focus({ preventScroll: true });
    });
  });
  flows.forEach(function (g) {
    g.addEventListener('click', function () {
      form.reset();
      setTimeout(function () {
        var hit = new Set();
        g.dataset.flow.split(' ').forEach(function (f) { if (names.has(f)) hit.add(names.get(f)); });
        show(hit); $('flows').scrollIntoView();
      }, 0);
    });
  });
  d.addEventListener('click', function (e) {      // a link to a hidden row shows all rows again
    var a = e.target.closest && e.target.closest('a[href^="#F"]');
    if (a && !a.dataset.from) { form.reset(); setTimeout(apply, 0); }
  });
  function sort(place, up) {
    var key = function (r) { return r.cells[place].dataset.s || r.cells[place].textContent.trim(); };
    var order = home.slice();
    if (place > 0 || !up) {
      // Each text is compared once, however many rows have it.
      var by = new Intl.Collator(root.lang, { numeric: true }), groups = new Map();
      home.forEach(function (r) { var k = key(r); if (!groups.has(k)) groups.set(k, []); groups.get(k).push(r); });
      order = [];
      Array.from(groups.keys()).sort(function (a, b) { return (up ? 1 : -1) * by.compare(a, b); })
        .forEach(function (k) { groups.get(k).forEach(function (r) { order.push(r); }); });
    }
    rows = order;
    tables.forEach(function (t, i) {
      var part = d.createDocumentFragment();
      order.slice(i * size, (i + 1) * size).forEach(function (r) { part.appendChild(r); });
      t.tBodies[0].appendChild(part);
    });
    reveal();
  }
  tables.forEach(function (table) {
    list(table.tHead.rows[0].cells).forEach(function (th) {
      var b = d.createElement('span'); b.textContent = th.textContent; b.tabIndex = 0; b.setAttribute('role', 'button');
      th.textContent = ''; th.appendChild(b);
      var go = function () {
        var up = th.getAttribute('aria-sort') !== 'ascending', place = th.cellIndex;
        tables.forEach(function (t) {
          list(t.tHead.rows[0].cells).forEach(function (x) { x.removeAttribute('aria-sort'); });
          t.tHead.rows[0].cells[place].setAttribute('aria-sort', up ? 'ascending' : 'descending');
        });
        sort(place, up);
      };
      b.addEventListener('click', go);
      b.addEventListener('keydown', function (e) { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); go(); } });
    });
  });
  say(rows.length);
  var links = {}, seen = [];
  d.querySelectorAll('.toc a').forEach(function (a) { links[a.hash.slice(1)] = a; });
  if ('IntersectionObserver' in window) {
    var io = new IntersectionObserver(function (es) {
      es.forEach(function (e) {
        var i = seen.indexOf(e.target.id);
        if (e.isIntersecting) { if (i < 0) seen.push(e.target.id); } else if (i >= 0) seen.splice(i, 1);
      });
      Object.keys(links).forEach(function (k) { links[k].removeAttribute('aria-current'); });
      var first = Object.keys(links).filter(function (k) { return seen.indexOf(k) >= 0; })[0];
      if (first) links[first].setAttribute('aria-current', 'true');
    }, { rootMargin: '-10% 0px -60% 0px' });
    Object.keys(links).forEach(function (k) { var s = $(k); if (s) io.observe(s); });
  }
})();
