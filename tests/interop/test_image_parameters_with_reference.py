"""Parameters of image tools and tasks that no other test sets, each set to something else than its default, beside the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.image_calls import assert_same_calls

BOX = "regionmanager().box([2,3,0,1],[12,11,0,8])"

# Image and call.
IMAGE = (
    ("c.im", "collapse('mean',[3],'O/x',box='2,3,12,11',chans='1~7',stokes='I',mask='c.im>0',overwrite=True)"),
    ("c.im", "convolve('O/x',np.ones([3,3])/9,scale=-1,region=BOX, mask='c.im>-0.2', overwrite=True)"),
    ("c.im", "convolve('O/x',np.array([[1.,2,1]]),scale=.25,region=BOX,mask='p.im>0.1',stretch=True)"),
    ("c.im", "convolve2d('O/x',[0,1],'gaussian','9arcsec','7arcsec','20deg',scale=-1,region=BOX, mask='c.im>-0.2', overwrite=True,targetres=True)"),
    ("c.im", "decimate('O/x',axis=3,factor=2,method='copy',region=BOX, mask='c.im>-0.2', overwrite=True)"),
    ("c.im", "decimate('O/x',axis=0,factor=3,method='copy',region=BOX,mask='p.im>0.1',stretch=True)"),
    ("p.im", "decompose(threshold=.5,simple=False,ncontour=8,minrange=2,fit=False)['blc']"),
    ("p.im", "deviation('O/x',grid=[4,3],anchor=[1,2],xlength='7pix',ylength='5pix',stattype='sigma',statalg='chauvenet',zscore=2.5,maxiter=2,interp='linear')"),
    ("c.im", "getregion(region=BOX,axes=[3],mask='p.im>0.1',stretch=True,dropdeg=True)"),
    ("c.im", "histograms(axes=[0],nbins=4,region=BOX,includepix=[0,3],cumu=True,log=False,mask='p.im>0',stretch=True)"),
    ("c.im", "histograms(nbins=6,log=True,mask='c.im>0.1')"),
    ("c.im", "pbcor('p.im','O/x',region=BOX,mode='multiply',cutoff=.2,mask='p.im>0',stretch=True)"),
    ("c.im", "rebin('O/x',[2,3,1,2],region=BOX,mask='p.im>0',dropdeg=False,overwrite=True,stretch=True,crop=False)"),
    ("p.im", "rebin('O/x',[2,2],dropdeg=True,crop=True)"),
    ("p.im", "rotate('O/x',shape=[26,24,1,1],pa='20deg',mask='p.im>-9',method='linear',decimate=3,replicate=False,dropdeg=False,overwrite=True)"),
    ("p.im", "rotate('O/x',pa='15deg',method='cubic',replicate=True,dropdeg=True,stretch=True,mask='p.im>-9')"),
    ("c.im", "sepconvolve('O/x',axes=[0,1],types=['gauss','boxcar'],widths=['3pix','3pix'],scale=-1,region=BOX, mask='c.im>-0.2', overwrite=True)"),
    ("c.im", "subimage('O/x',region=BOX,mask='p.im>0.1',dropdeg=True,overwrite=True,list=False,stretch=True,keepaxes=[2])"),
    ("c.im", "summary(doppler='optical',list=False,pixelorder=False,verbose=False)"),
    ("c.im", "statistics(algorithm='classic', clmethod='tiled', list=False, force=True, disk=False, verbose=False)"),
    ("c.im", "statistics(algorithm='classic', clmethod='framework', robust=True, list=False, force=True, disk=False, verbose=False)"),
    ("c.im", "statistics(algorithm='fit-half', center='median', lside=False, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='fit-half', center='median', lside=False)"),
    ("c.im", "statistics(algorithm='fit-half', center='zero', lside=True, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='fit-half', center='zero', lside=True)"),
    ("c.im", "statistics(algorithm='fit-half', center='mean', lside=True, robust=True, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='fit-half', center='mean', lside=True, robust=True)"),
    ("c.im", "statistics(algorithm='hinges-fences', fence=1.2, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='hinges-fences', fence=1.2)"),
    ("c.im", "statistics(algorithm='chauvenet', zscore=2.2, maxiter=3, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='chauvenet', zscore=2.2, maxiter=3)"),
    ("c.im", "statistics(algorithm='chauvenet', zscore=-1, maxiter=-1, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='chauvenet', zscore=-1, maxiter=-1)"),
    ("c.im", "statistics(algorithm='biweight', niter=3, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='biweight', niter=3)"),
    ("c.im", "statistics(algorithm='biweight', niter=-1, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], algorithm='biweight', niter=-1)"),
    ("c.im", "statistics(includepix=[0,2], list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], includepix=[0,2])"),
    ("c.im", "statistics(excludepix=[.1,.4], list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[3], excludepix=[.1,.4])"),
    ("c.im", "statistics(includepix=[-1,4], axes=[0,1], mask='p.im>0.1', stretch=True, robust=True, list=False, force=True, disk=False, verbose=False)"),
    ("m.im", "statistics(region=BOX, axes=[0,1], includepix=[-1,4], mask='p.im>0.1', stretch=True, robust=True)"),
    ("p.im", "decompose(threshold=.5,simple=False,fit=False,ncontour=11)['components'].shape"),
)  # fmt: skip
TASKS = (
    "imval('q.im',box='1,1,2,2',stokes='QU')",
    "imval('q.im',stokes='V',chans='1~3',box='0,0')",
    "immoments('m.im',[8,9,10,11],axis='spec',chans='1~8',mask='p.im>0.1', stretch=True,outfile='O/x')",
    "immoments('m.im',[3,4,5,7],axis='spec',includepix=[.1,9],outfile='O/x')",
    "imcollapse('c.im','sum',axes=[3],outfile='O/x',box='2,3,12,11',chans='2~7',stokes='I',overwrite=True,mask='c.im>0')",
    "imcollapse('q.im','mean',axes=[0,1],outfile='O/x',stokes='QU')",
    "imdev('p.im','O/x',grid=[3,4],anchor=[2,3],xlength='12arcsec',ylength='9arcsec',interp='cubic',stattype='median',statalg='chauvenet',zscore=3,maxiter=2)",
    "imdev('p.im','O/x',grid=[4,3],xlength='9pix',ylength='9pix',interp='cubic',stattype='xmadm')",
    "imdev('p.im','O/x',grid=[2,3],xlength='9pix',interp='linear',stattype='sumsq')",
    "imfit('c.im',box='3,3,17,15',chans='5',stokes='I',excludepix=[-9,.1],rms=.2,mask='c.im>0')['results']['component0']['peak']",
    "imfit('p.im',box='3,3,17,15',rms=.2,mask='p.im>0.2',stretch=True,summary='O/s',logfile='O/l')['results']['component0']['peak']",
    "impv('m.im','O/x',start=[4,4],end=[14,12],width=3,overwrite=True,chans='1~7',stokes='I',mask='m.im>-9')",
    "impv('m.im','O/x',start=[4,4],end=[14,12],mask='p.im>-9',stretch=True)",
    "imrebin('c.im','O/x',[3,2,1,1],box='2,3,13,12',chans='2~7',stokes='I',mask='p.im>0.1', stretch=True,dropdeg=True)",
    "imregrid('c.im','m.im','O/x',interpolation='cubic',axes=[0,1],decimate=0,replicate=False)",
    "imsmooth('c.im','gauss','9arcsec','7arcsec','30deg',region='box[[2pix,3pix],[12pix,11pix]],range=[0chan,8chan]',mask='c.im>-9',outfile='O/x',overwrite=True)",
    "imsmooth('c.im','gauss','9arcsec','7arcsec','30deg',targetres=True,box='2,3,13,12',chans='2~7',stokes='I',mask='p.im>0.1', stretch=True,outfile='O/x')",
    "imsmooth('c.im',kernel='gauss',beam={'major':'9arcsec','minor':'8arcsec','pa':'10deg'},targetres=True,outfile='O/x')",
    "imsmooth('c.im',kernel='image',kimage='p.im',scale=.01,outfile='O/x')",
    "imsubimage('c.im','O/x',region='box[[2pix,3pix],[12pix,11pix]],range=[0chan,8chan]',dropdeg=True,overwrite=True,verbose=False,mask='p.im>0.1', stretch=True,keepaxes=[3])",
    "imsubimage('q.im','O/x',stokes='QU',box='1,1,3,3',chans='2~5')",
    "imreframe('c.im','O/x','bary',epoch='',restfreq='1.41GHz')",
    "specflux('c.im',region='circle[[10pix,9pix],5pix]',chans='1~7',stokes='I',mask='p.im>0.1', stretch=True,function='flux density',unit='km/s',major='9arcsec',minor='5arcsec',logfile='O/l',overwrite=True)",
    "specsmooth('m.im','O/x',region='box[[2pix,3pix],[12pix,11pix]]',mask='p.im>0.1', stretch=True,axis=3,function='boxcar',width=2,dmethod='copy')",
    "spxfit('s.im',multifit=True,spxtype='plp',spxest=[3.,-.5],stokes='I',minpts=9,mask='s.im>1.5',logresults=False,append=False,spxsol='O/s')['plp']",
    "imstat('c.im',algorithm='hinges-fences',fence=1.1,axes=[0,1],mask='p.im>0.1',stretch=True)",
    "imstat('c.im',algorithm='fit-half',center='median',lside=False,stokes='I')",
    "imstat('c.im',algorithm='chauvenet',zscore=2.5,maxiter=2,box='2,3,12,11')",
    "imstat('c.im',algorithm='biweight',niter=2,chans='1~5')",
)  # fmt: skip
COORDSYS = (
    "v=c.addcoordinate(direction=True); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "v=c.addcoordinate(spectral=True); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "v=c.addcoordinate(stokes=['I','XX']); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "v=c.addcoordinate(tabular=True); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "v=c.addcoordinate(linear=2); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "v=c.addcoordinate(direction=True, stokes=['RR'], tabular=True, linear=1); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "R=[c.axiscoordinatetypes(world=False), c.axiscoordinatetypes(world=True), c.conversiontype('direction'), c.conversiontype(type='spectral')]",
    "R=[c.findaxisbyname('ra',allowfriendlyname=True), c.findaxisbyname('spec',True), c.findaxisbyname('Dec',False)]",
    "v=c.setdirection(proj='SIN',projpar=[.1,.2]); R=[c.projection(),c.projection('SIN')]",
    "v=c.setunits('deg',type='direction',overwrite=False,which=0) if 0 else c.setunits(['deg','deg'],type='direction'); R=[c.names(),c.axiscoordinatetypes(),c.referencevalue('n')['numeric'],c.increment('n')['numeric'],c.referencepixel()['numeric'],c.units()]",
    "R=[c.units(type='direction'),c.units(type='spectral'),c.units(type='stokes')]",
    "R=[c.toabsmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]])*.5,isworld=False)['numeric'], c.torelmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]]),isworld=False)['numeric'], c.toabsmany(c.torelmany(c.toworldmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]])),isworld=True) if 0 else c.torelmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]]),False),False)['numeric']]",
    "R=[c.toabs([1,2,0,1],isworld=False)['numeric'], c.torel([3,4,1,2],isworld=0)['numeric'], c.torel(c.toworld([3,4,1,2],'n'),isworld=1)['numeric'], c.toabs(c.torel(c.toworld([3,4,1,2],'n'),1),1)['numeric']]",
    "R=c.convertmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]]),absin=[True]*4,dopplerin='radio',unitsin=['pix']*4,absout=[True,True,True,True],dopplerout='optical',unitsout=['deg','deg','pix','km/s'],shape=[6,5,4,12])",
    "R=c.convertmany(np.array([[1.,2,3],[2,3,4],[0,1,2],[4,5,6]]),absin=[False]*4,dopplerin='radio',unitsin=['pix']*4,absout=[False]*4,dopplerout='radio',unitsout=['arcsec','arcsec','pix','km/s'],shape=[6,5,4,12])",
    "R=c.convert([-30,10,1,1.5],absin=[False,False,True,True],dopplerin='radio',unitsin=['arcsec','arcsec','pix','GHz'],absout=[True]*4,dopplerout='radio',unitsout=['rad','rad','pix','pix'],shape=[6,5,4,12])",
)  # fmt: skip
COMPONENTS = (
    "v=cl.setflux(0,[3,0,0,0],'mJy','Stokes',[0,0,0,0],log=False); R=cl.torecord(); cl.done()",
    "v=cl.setfreq(0,1.2,'GHz',log=False); R=cl.torecord(); cl.done()",
    "v=cl.setfreqframe(0,'BARY',log=False); R=cl.torecord(); cl.done()",
    "v=cl.setlabel(0,'q',log=False); R=cl.torecord(); cl.done()",
    "v=cl.setrefdir(0,'11h0m0s','-3d0m0s',log=False); R=cl.torecord(); cl.done()",
    "v=cl.setrefdirframe(0,'ICRS',log=False); R=cl.torecord(); cl.done()",
    "v=cl.setstokesspectrum(0,'tabular',tabularfreqs=[1e9,2e9],tabulari=[1.,2],tabularq=[0.,0],tabularu=[0.,.1],tabularv=[0.,0],reffreq='1.4GHz',frame='LSRK'); R=cl.torecord(); cl.done()",
    "v=cl.setspectrum(0,'plp',[-.6,.1]); R=cl.torecord(); cl.done()",
    "v=cl.remove([0],log=False); R=cl.length(); cl.done()",
    "v=cl.summarize(0); R=cl.length(); cl.done()",
    "v=cl.getrefdirra(0,unit='time',precision=4); R=cl.length(); cl.done()",
    "v=cl.getrefdirdec(0,unit='angle',precision=3); R=cl.length(); cl.done()",
    "v=cl.isphysical([0]); R=cl.length(); cl.done()",
    "cl.remove([0],log=False); cl.recover(log=False); R=[cl.length(),cl.torecord()]; cl.done()",
)  # fmt: skip
POLARIZATION = (
    "depolratio('q.im',debias=True,clip=5.,sigma=.01,outfile='O/x')",
    "fractotpol(debias=True,clip=6.,sigma=.01,outfile='O/x')",
    "linpolposang(outfile='O/x',region=regionmanager().box([1,1,0,2],[4,3,3,9]),mask='q.im>-9')",
    "pol('ftp',outfile='O/x')",
    "sigmadepolratio('q.im',debias=False,clip=5.,sigma=.01,outfile='O/x')",
    "stokes('U',outfile='O/x')",
    "stokesv(outfile='O/x')",
    "stokesu(outfile='O/x')",
    "rotationmeasure(rm='O/rm',pa0='O/pa',pa0err='O/pae',nturns='O/n',sigma=.01,rmfg=5.,rmmax=100.,maxpaerr=20.)",
)  # fmt: skip
OTHERS = (
    "shutil.copytree('p.im','O/x'); ia=opened('c.im'); v=ia.adddegaxes('O/x',tabular=True,overwrite=True); R=v; ia.done()",
    "shutil.copytree('p.im','O/x'); ia=opened('c.im'); v=ia.crop('O/x',axes=[0,1],overwrite=True,region=BOX,mask='c.im>0.5'); R=v; ia.done()",
    "shutil.copytree('c.im','w.im'); ia=opened('w.im'); v=ia.insert('p.im',region=regionmanager().box([1,1],[9,9]),locate=[3,3,0,2],verbose=False); R=[ia.getchunk(),ia.getchunk(getmask=True)]; ia.done()",
    "ia=opened('c.im'); v=ia.makecomplex('O/x','m.im',region=BOX,overwrite=True); R=v; ia.done()",
    "ia=opened('c.im'); v=ia.moments([0,1],axis=3,mask='p.im>0.2',stretch=True,excludepix=[-9,.3],outfile='O/x',overwrite=True,region=BOX); R=v; ia.done()",
    "ia=image(); b=ia.newimagefromarray('O/x',np.arange(20.).reshape(5,4),linear=True); b.done(); R=None",
    "ia=image(); b=ia.newimagefromfits('O/x','f.fits',whichrep=0,whichhdu=0,zeroblanks=True,overwrite=True); b.done(); R=None",
    "ia=image(); ia.fromfits('O/x','f.fits',whichhdu=0,zeroblanks=True,overwrite=True); ia.done(); R=None",
    "ia=image(); b=ia.newimagefromimage('c.im','O/x',region=BOX,mask='c.im>0',dropdeg=True,overwrite=True); b.done(); R=None",
    "ia=image(); ia.fromimage('O/x','c.im',region=BOX,mask='c.im>0',dropdeg=True,overwrite=True); ia.done(); R=None",
    "ia=image(); b=ia.newimagefromshape('O/x',[5,4,3],linear=True,overwrite=True,log=False,type='f'); b.done(); R=None",
    "shutil.copytree('p.im','O/x'); ia=opened('c.im'); v=ia.pad('O/x',npixels=2,value=1.5,padmask=True,overwrite=True,region=BOX,mask='c.im>0',stretch=False,wantreturn=True); R=v; ia.done()",
    "shutil.copytree('c.im','w.im'); ia=opened('w.im'); v=ia.replacemaskedpixels('m.im',mask='p.im>0.2',stretch=True,update=True); R=[ia.getchunk(),ia.getchunk(getmask=True)]; ia.done()",
    "shutil.copytree('c.im','w.im'); ia=opened('w.im'); v=ia.setrestoringbeam('9arcsec','5arcsec','3deg',log=False); R=ia.restoringbeam(); ia.done()",
    "ia=opened('c.im'); v=ia.tofits('O/t.fits',velocity=False,dropstokes=True,bitpix=-32,mask='c.im>0',history=True); ia.done(); ia=image(); ia.fromfits('O/x','O/t.fits'); R=None; ia.done()",
    "ia=opened('c.im'); v=ia.tofits('O/t.fits',velocity=True,optical=True,bitpix=16,minpix=-1,maxpix=3,region=BOX,dropdeg=True,deglast=False,dropstokes=True,stokeslast=True,overwrite=True,mask='p.im>0.1',stretch=True,history=False); ia.done(); ia=image(); ia.fromfits('O/x','O/t.fits'); R=None; ia.done()",
    "ia=opened('c.im'); v=ia.tofits('O/t.fits',velocity=True,optical=False,wavelength=False,bitpix=-32,deglast=True,stokeslast=False); ia.done(); ia=image(); ia.fromfits('O/x','O/t.fits'); R=None; ia.done()",
    "ia=opened('c.im'); v=ia.tofits('O/t.fits',wavelength=True,airwavelength=False); ia.done(); ia=image(); ia.fromfits('O/x','O/t.fits'); R=None; ia.done()",
    "ia=opened('c.im'); v=ia.tofits('O/t.fits',wavelength=True,airwavelength=True); ia.done(); ia=image(); ia.fromfits('O/x','O/t.fits'); R=None; ia.done()",
    "v=t.imcontsub('m.im',linefile='O/l',contfile='O/c',fitorder=1,chans='0~1;8~11',region='box[[2pix,3pix],[12pix,11pix]]',stokes='I'); R=None",
    "v=t.impbcor('c.im','p.im','O/x',overwrite=True,box='2,2,12,12',chans='1~5',stokes='I',mask='c.im>0',cutoff=.1); R=None",
    "v=t.impbcor('c.im','p.im','O/x',region='circle[[10pix,9pix],6pix]',mode='multiply',mask='p.im>0.1', stretch=True); R=None",
    "v=t.imbaseline('m.im','O/l',blfunc='cspline',npiece=2,clipthresh=3.,clipniter=2); R=None",
    "v=t.imbaseline('m.im','O/l',blfunc='sinusoid',addwn=[0,1],rejwn=[],applyfft=False); R=None",
    "v=t.imbaseline('m.im','O/l',blfunc='chebyshev',order=1,dirkernel='gaussian',major='5arcsec',minor='4arcsec',pa='10deg',spkernel='gaussian',kwidth=3); R=None",
    "v=t.exportfits('c.im','O/t.fits',minpix=-.5,maxpix=4,bitpix=16,history=False); t.importfits('O/t.fits','O/x',zeroblanks=False); R=None",
    "v=t.exportfits('c.im','O/t.fits'); t.importfits('O/t.fits','O/x',zeroblanks=True,whichrep=0,whichhdu=0); R=None",
    "from casatools import coordsys\nc=coordsys().newcoordsys(direction=False,tabular=True,stokes=['I']); c.settabular(pixel=[0,1,2,3],world=[10.,20,40,80],which=0); R=[c.toworld([2.5,0] if c.axiscoordinatetypes()[0]=='Tabular' else [0,2.5],'n'),c.increment('n')['numeric']]",
    "rg=regionmanager(); a=rg.box([1,1],[4,4],comment='x y'); ia=opened('p.im'); k=ia.coordsys().torecord(); b=rg.wbox('2pix 2pix','8pix 8pix',[0,1],csys=k,comment='x y'); w=rg.wpolygon(['2pix','9pix','5pix'],['2pix','3pix','9pix'],[0,1],csys=k,comment='x y'); R=[a['comment'],b['comment'],w['comment']]+[q['comment'] for q in (rg.complement(b,comment='x y'),rg.difference(b,w,comment='x y'),rg.intersection({'a':b,'b':w},comment='x y'),rg.makeunion({'a':b,'b':w},comment='x y'))]+[ia.statistics(region=q)['npts'] for q in (a,b,w,rg.complement(b),rg.difference(b,w))]; ia.done()",
    "open('t.crtf','w').write('#CRTFv0\\ncircle[[8pix,8pix],3pix], range=[1chan,4chan]\\n-box[[7pix,7pix],[8pix,8pix]]\\n'); rg=regionmanager(); ia=opened('c.im'); q=rg.fromtextfile('t.crtf',ia.shape(),csys=ia.coordsys().torecord()); s=ia.statistics(region=q); R=[s['npts'],s['sum']]; rg.tofile('t.rgn',q); q=rg.fromfiletorecord('t.rgn',verbose=False,regionname='k'); s=ia.statistics(region=q); R+=[s['npts']]; ia.done(); os.remove('t.rgn') if os.path.isfile('t.rgn') else shutil.rmtree('t.rgn',True)",
)  # fmt: skip
SYSTEM = "ia=opened('q.im'); c=ia.coordsys(); ia.done(); "
COMPONENT = (
    "cl=componentlist(); cl.addcomponent(flux=[2.,.1,.2,.3],dir='J2000 10h0m0s 20d0m0s',shape='gaussian',majoraxis='12arcsec',minoraxis='6arcsec',"
    "positionangle='30deg',freq='LSRK 1.4GHz',spectrumtype='spectral index',index=-.7,label='one'); "
)
FAMILIES = {
    "image": [f"ia=opened({name!r}); R=ia.{call}; ia.done()" for name, call in IMAGE],
    "tasks": [f"R=t.{call}" for call in TASKS],
    "coordsys": [SYSTEM + call for call in COORDSYS],
    "components": [COMPONENT + call for call in COMPONENTS],
    "polarization": [f"po=imagepol(); po.open('q.im'); R=po.{call}; po.done()" for call in POLARIZATION],
    "others": list(OTHERS),
}


@pytest.mark.oracle
@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_gives_the_same(family: str, tmp_path: Path) -> None:
    assert_same_calls([call.replace("BOX", BOX) for call in FAMILIES[family]], tmp_path)
