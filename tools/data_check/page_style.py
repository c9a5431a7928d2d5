"""Style sheet of the page."""

STYLE = """
:root{color-scheme:light;--line:#dfe3ea;--muted:#667085;--ink:#1b2230}
*{box-sizing:border-box}
body{margin:0;background:#f4f6f9;color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1160px;margin:0 auto;padding:28px 20px 60px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 16px;margin-bottom:18px}
h1{font-size:28px;margin:0}
header p{margin:0;color:var(--muted)}
.badge{padding:3px 12px;border-radius:999px;font-weight:600}
header .sound{background:#dff3e6;color:#166534}
header .broken{background:#fde3e1;color:#a01c15}
section{background:#fff;border:1px solid var(--line);border-radius:10px;padding:16px 20px 20px;
margin:0 0 18px}
h2{font-size:18px;margin:0 0 12px}
section p{margin:8px 0;color:var(--muted)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--muted);text-align:right;font-size:13px}
td{text-align:right}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
td:last-child{white-space:normal}
tr:last-child td{border-bottom:0}
.finding{border-left:4px solid;border-radius:4px;background:#fafbfc;padding:8px 12px;margin:8px 0}
.finding summary{cursor:pointer}
.finding ul{margin:8px 0 2px;padding-left:20px}
.finding li{overflow-wrap:anywhere;margin:3px 0}
.error{border-color:#d3372d}.warning{border-color:#e0921e}.note{border-color:#3b82c4}
.tag{display:inline-block;min-width:66px;font-weight:600;margin-right:8px}
.error .tag{color:#b3261e}.warning .tag{color:#a86408}.note .tag{color:#2a67a0}
.where{display:block;color:var(--muted);font-size:13px}
code{background:#eceff4;border-radius:4px;padding:1px 5px;font-size:13px}
.more{margin:4px 0 0}
.chart{display:grid;grid-template-columns:minmax(80px,max-content) 1fr;gap:8px 14px;
align-items:center}
.name{text-align:right;max-width:240px;overflow-wrap:anywhere}
.bar{display:flex;align-items:center;gap:8px;height:15px}
.bar>div{height:11px;border-radius:2px}
.bar span{font-size:12px;color:var(--muted);font-variant-numeric:tabular-nums}
.share{display:flex;height:22px;border-radius:4px;overflow:hidden;color:#fff;font-size:12px}
.share>div{display:flex;align-items:center;justify-content:center}
.legend span{margin-right:16px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:16px}
.pair{grid-column:span 2;display:grid;grid-template-columns:1fr 1fr;gap:10px;
border:1px solid var(--line);border-radius:8px;padding:10px}
figure{margin:0}
figure img{width:100%;height:auto;display:block;border-radius:6px;background:#eceff4}
figcaption{font-size:13px;margin-top:5px;overflow-wrap:anywhere}
figcaption span{color:var(--muted);margin-left:8px}
@media(max-width:640px){.pair{grid-column:span 1}}
"""
