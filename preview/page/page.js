'use strict';
(function () {
  var search = document.getElementById('search');
  var found = document.getElementById('found');
  var none = document.getElementById('none');
  var view = document.getElementById('view');
  var fold = document.getElementById('fold');
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };

  // A part's heading and applications count for each object in it.
  var groups = all('section').map(function (section) {
    var head = section.classList.contains('part') ? all('h2, .targets li', section).map(function (e) { return e.textContent; }).join(' ') : '';
    return {
      element: section,
      items: all('[data-kind]', section).map(function (e) { return { element: e, kind: e.dataset.kind, text: (head + ' ' + e.textContent).toLowerCase() }; }),
    };
  });

  function filter() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0, total = 0, kinds = {};
    groups.forEach(function (group) {
      var any = false;
      group.items.forEach(function (item) {
        var hit = words.every(function (w) { return item.text.indexOf(w) >= 0; });
        item.element.hidden = !hit;
        total++;
        if (!hit) return;
        any = true;
        shown++;
        kinds[item.kind] = (kinds[item.kind] || 0) + 1;
      });
      group.element.hidden = words.length > 0 && !any;
    });
    var parts = Object.keys(kinds).map(function (kind) { return kinds[kind] + ' ' + kind + (kinds[kind] === 1 ? '' : 's'); });
    found.textContent = !words.length ? '' : shown === 0 ? 'nothing found' : shown + ' of ' + total + ' match: ' + parts.join(', ');
    none.hidden = !(words.length && shown === 0);
  }

  function split(on) {
    document.body.classList.toggle('split', on);
    view.setAttribute('aria-pressed', String(on));
    view.textContent = on ? 'Unified' : 'Side by side';
  }

  search.addEventListener('input', filter);
  view.addEventListener('click', function () { split(!document.body.classList.contains('split')); });
  fold.addEventListener('click', function () {
    var open = document.querySelector('.object[open]') === null;
    document.querySelectorAll('.object').forEach(function (o) { o.open = open; });
    fold.textContent = open ? 'Fold all' : 'Unfold all';
  });
  document.addEventListener('keydown', function (e) {
    if (e.key === '/' && document.activeElement !== search) { e.preventDefault(); search.focus(); }
  });
  if (location.hash.indexOf('q=') === 1) {
    try { search.value = decodeURIComponent(location.hash.slice(3)); } catch (e) { return; }
    filter();
  }
})();
